"""What words took, added up by character."""

from puppet.agents.v1 import activity_pb2 as log_pb
from puppetctl.activity.costs import Ledger


def wrote(agent_id: str, read: int, written: int, *, usd: str = "", calls: int = 1, **event: object) -> log_pb.Activity:
    writing = log_pb.Writing(
        provider="local",
        model="small",
        prompt_tokens=read,
        completion_tokens=written,
        cost_usd=usd,
        calls=[log_pb.ModelCall()] * calls,
    )
    kind = log_pb.ACTIVITY_KIND_POST if event.get("published", True) else log_pb.ACTIVITY_KIND_PASS
    return log_pb.Activity(agent_id=agent_id, agent_name=agent_id.title(), kind=kind, writing=writing)


def test_who_took_most_comes_first_and_passes_count_as_calls_but_not_as_posts() -> None:
    ledger = Ledger()
    for activity in (wrote("odd", 100, 20), wrote("pia", 500, 50, calls=2), wrote("odd", 50, 10, published=False)):
        ledger.add(activity)
    ledger.add(log_pb.Activity(agent_id="basil", kind=log_pb.ACTIVITY_KIND_TRADE))
    pia, odd = ledger.most_first()
    assert (pia.agent_id, pia.calls, pia.published) == ("pia", 2, 1)
    assert odd.object() == {
        "agent_id": "odd",
        "name": "Odd",
        "calls": 2,
        "published": 1,
        "prompt_tokens": 150,
        "completion_tokens": 30,
        "models": ["local/small"],
        "cost_usd": "",
    }


def test_dollars_are_told_as_far_as_they_are_known() -> None:
    ledger = Ledger()
    ledger.add(wrote("odd", 1, 1, usd="0.0025"))
    ledger.add(wrote("odd", 1, 1, usd="0.0025"))
    ledger.add(wrote("pia", 1, 1, usd="0.01"))
    ledger.add(wrote("pia", 1, 1, calls=3))
    ledger.add(wrote("basil", 1, 1))
    known = {one.agent_id: (one.price, one.object()["cost_usd"]) for one in ledger.most_first()}
    assert known == {"odd": ("$0.0050", "0.0050"), "pia": ("$0.0100 + 3 calls", ""), "basil": ("not told", "")}
