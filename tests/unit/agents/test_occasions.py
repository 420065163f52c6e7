"""Why something was done when it was: from the task and the name of its workflow, on a run without a database."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from services.agents.domain.events import News
from services.agents.domain.occasions import Occasion
from services.agents.domain.proposals import Pass
from services.agents.domain.records import Grounds, Passed, PassReason, Swap, Trigger
from services.agents.domain.tasks import (
    ActionTask,
    ActTask,
    Mention,
    PostTask,
    RemarkTask,
    ReplyTask,
    TradePostTask,
    TradeTask,
    occasion_of,
)
from services.agents.engine import Engine
from services.agents.ports.neighbours import Refused
from services.agents.service import Entry
from tests.fakes.agents.run import FakeRun

TIME = datetime(2026, 11, 22, 12, 0, 30, 250_000, UTC)
SLOT = TIME.isoformat()
MENTION = Mention("77", "gatekeeper", "hello", "70", TIME)
SWAP = Swap("trd_1", "4LvH", True, "Moss", "MOSS", "So11", "Moss", 1, 2)


@pytest.mark.parametrize(
    ("name", "task", "occasion"),
    [
        (f"post/wren/{SLOT}", PostTask("wren"), Occasion(TIME)),
        (f"trade/wren/{SLOT}", TradeTask("wren"), Occasion(TIME)),
        ("reflect/wren/mem_7", ActTask("wren", "reflect"), Occasion()),
        # What somebody asks for has no slot, whatever it is called.
        (f"trigger-post/{SLOT}", PostTask("wren", trigger=Trigger.REQUEST, principal="ann"), Occasion(principal="ann")),
        ("reply/wren/77", ReplyTask("wren", MENTION), Occasion(network_post_id="77")),
        (
            "reply/wren/77/2",
            ReplyTask("wren", MENTION, trigger=Trigger.REQUEST, principal="ann"),
            Occasion(principal="ann", network_post_id="77"),
        ),
        (f"trade/wren/{SLOT}/post", TradePostTask("wren", SWAP), Occasion(trade_id="trd_1")),
        ("post/wren/evt_1.1", PostTask("wren", trigger=Trigger.EVENT, event_id="evt_1"), Occasion(event_id="evt_1")),
        (
            "remark/wren/evt_1.1",
            RemarkTask("wren", "evt_1", News("It rains.", is_external=True)),
            Occasion(event_id="evt_1"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_occasion_is_what_the_trigger_leaves_open(name: str, task: ActionTask, occasion: Occasion) -> None:
    assert occasion_of(name, task) == occasion


class Recorded:
    """A journal that keeps what it is given."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    async def record(self, agent_id: str, step: str, entries: dict[str, Entry], reached: str = "") -> None:
        self.entries |= entries


def engine(propose: Any, journal: Recorded) -> Engine:
    parts: Any = SimpleNamespace(kind="post", aim="post", propose=propose)
    behaviours: Any = SimpleNamespace(of_task=lambda task: parts)
    nothing: Any = None
    given: Any = journal
    return Engine(behaviours, nothing, nothing, nothing, nothing, given)


async def test_what_was_passed_over_and_what_failed_say_what_they_were_done_for() -> None:
    journal, run = Recorded(), FakeRun(f"post/wren/{SLOT}")

    async def passing(name: str, task: PostTask) -> Pass:
        return Pass(Passed(PassReason.NO_CANDIDATE), Grounds("gentle"))

    await engine(passing, journal).act(run, PostTask("wren"))
    assert journal.entries[run.id].grounds == Grounds("gentle", occasion=Occasion(TIME))

    async def failing(name: str, task: PostTask) -> Pass:
        raise Refused("llm", "INVALID_REQUEST", "no")

    await engine(failing, journal).act(run, PostTask("wren"))
    assert journal.entries[run.id].grounds.occasion == Occasion(TIME)
    assert journal.entries[run.id].trigger is Trigger.SCHEDULE
