"""What workflows keep stays readable: as JSON by name, strictly, by the code of later versions too."""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.agents.adapters.dbos_json import KeptError, StoredJson, UnreadableRecord
from services.agents.domain.events import MoodShift, News
from services.agents.domain.mood import MoodChange, OwnEvent, SocialEvent
from services.agents.domain.occasions import Occasion, TopicChoice, TopicOption, TopicOrigin
from services.agents.domain.proposals import Kept, Order, Pass, PostProposal, Reflection, ReplyProposal
from services.agents.domain.rapport import Rapport
from services.agents.domain.records import (
    CallPurpose,
    Conclusion,
    Grounds,
    Judged,
    MemoryUse,
    ModelCall,
    Objection,
    Passed,
    PassReason,
    Recalled,
    Swap,
    Trigger,
    Writing,
)
from services.agents.domain.tasks import (
    ActTask,
    CarryOutTask,
    Heard,
    Mention,
    NoticeTask,
    PostTask,
    RemarkTask,
    ReplyTask,
    TradePostTask,
    TradeTask,
    WithdrawTask,
)
from services.agents.ports.stored import STORED, Failure, Post, Progress, Remembered, Trade

GOLDEN = Path(__file__).parents[2] / "data" / "stored"
"""A folder for each version that wrote differently, a file for each stored type that it wrote so."""

TIME = datetime(2026, 11, 22, 12, 0, 30, 250_000, UTC)
MENTION = Mention("77", "gatekeeper", "hallo „Wren“\n👋", "70", TIME, author_user_id="12", in_reply_to_user_id="9")
HEARD = Heard("mem_1", "x:12", "gatekeeper", is_fellow=False, may_echo=True, known_as="Gatekeeper")
SWAP = Swap("trd_1", "4LvH", True, "Moss", "MOSS", "So11", "Moss", 37_000_000, 555, 37_000_000, "", None)
GROUNDS = Grounds(
    "relaxed",
    (Recalled("mem_2", "It rained.", 0.5, "operator"),),
    Writing(
        "local",
        "small",
        (
            Judged("A gate is a gate.", 0.75, is_chosen=True),
            Judged("Gates!", None, objections=(Objection("LENGTH", "is too short"),)),
        ),
        (Objection("WITHHELD", "the provider withheld it"),),
        "a1b2",
        120,
        30,
        "in place of grok, which isn't configured",
        (
            ModelCall(CallPurpose.WRITE, "local", "small", "a1b2", 6, 100, 28, background_shown=True),
            ModelCall(CallPurpose.SCREEN, "openai", "judge", candidates=1, prompt_tokens=20, completion_tokens=2),
        ),
    ),
    unread="NOT_CAPABLE",
    occasion=Occasion(TIME, "operator", "evt_1", "77", "trd_1"),
    topic=TopicChoice(
        "gates",
        TopicOrigin.INTERESTS,
        (TopicOption("gates", 1.0, is_chosen=True), TopicOption("rain", 0.0, True)),
        ("rain",),
    ),
    considered=(Recalled("mem_3", "It snowed.", None, "self", MemoryUse.SHOWN),),
)
ORDER = Order(
    agent_id="wren",
    wallet_id="wal_1",
    input_mint="So11",
    output_mint="Moss",
    amount=2**63,
    min_output_amount=555_000_000,
    is_buy=True,
    symbol="MOSS",
    reasons=("it is verified", "its strength is momentum"),
    scores={"MOSS": 0.78, "SOUP": 0.5},
    gain=None,
    event=OwnEvent.TRADED,
)
SALE = dataclasses.replace(ORDER, is_buy=False, portion="half of", gain=Decimal("0.125"), event=OwnEvent.TRADE_GAIN)
NEWS = News("It rains.", is_external=True, link="https://a.example", post_probability=0.5, feed_event_id="evt_0")
PUSH = MoodChange(-0.5, 0.25, 0.125)
# Together they have every value of every enum; what follows a hyphen tells samples of one type apart.
SAMPLES: dict[str, Any] = {
    "post_task": PostTask("wren", "gates", trigger=Trigger.REQUEST),
    "post_task-plain": PostTask("wren"),
    "post_task-awaited": PostTask("wren", "gates", is_awaited=True, trigger=Trigger.UNKNOWN),
    "trade_post_task": TradePostTask("wren", SWAP),
    "reply_task": ReplyTask("wren", MENTION),
    "reply_task-heard": ReplyTask("wren", MENTION, HEARD),
    "trade_task": TradeTask("wren"),
    "act_task": ActTask("wren", "good_night"),
    "post_task-addressed": PostTask("wren", "gates", trigger=Trigger.EVENT, addressed_id="otto"),
    "remark_task": RemarkTask("wren", "evt_1", NEWS),
    "notice_task": NoticeTask("wren", "evt_1", news=NEWS),
    "notice_task-operator": NoticeTask("wren", "evt_1", news=News("It rains.", is_external=False, mood=PUSH)),
    "notice_task-mood": NoticeTask("wren", "evt_1", mood=MoodShift(PUSH, "it rains")),
    "carry_out_task": CarryOutTask("wren", "drf_1", "post", "post/wren/1", Trigger.SCHEDULE),
    "withdraw_task": WithdrawTask("wren"),
    "kept": Kept("drf_1"),
    "pass": Pass(Passed(PassReason.CONVERSATION_LIMIT, "gates", "Otto", 2, ("it is late",)), GROUNDS),
    "post_proposal": PostProposal(
        agent_id="wren", texts=("A gate is a gate.",), grounds=GROUNDS, topic="gates", addressed_handle="otto"
    ),
    "post_proposal-remark": PostProposal(
        agent_id="wren", texts=("It does.",), grounds=GROUNDS, topic="news", event_id="evt_1", news_text="It rains."
    ),
    "reply_proposal": ReplyProposal(
        agent_id="wren",
        texts=("Slowly.",),
        grounds=GROUNDS,
        mention=MENTION,
        heard=HEARD,
        is_external=True,
        feelings=tuple(SocialEvent),
        change=Rapport(0.03, 0.04, -0.01),
    ),
    "reflection": Reflection(
        agent_id="wren",
        conclusions=(Conclusion("They ask for letters.", "external", "x:12", ("mem_1", "mem_2")),),
        grounds=Grounds("relaxed"),
    ),
    "remembered": Remembered(("mem_3",)),
    "order": ORDER,
    "order-gain": SALE,
    "order-loss": dataclasses.replace(SALE, gain=Decimal("-0.5"), event=OwnEvent.TRADE_LOSS),
    "post": Post("pst_1", Progress.UNDER_WAY, "", ""),
    "post-undecided": Post("pst_1", Progress.UNDECIDED, "", "no answer"),
    "trade": Trade("trd_1", Progress.SETTLED, "So11", "Moss", 37_000_000, 555, "4LvH", ""),
    "trade-failed": Trade("trd_1", Progress.FAILED, "So11", "Moss", 37_000_000, 0, "", "it would give too little"),
    "failure": Failure("DEPENDENCY_UNAVAILABLE", "the social service can't now", "NETWORK_RATE_LIMITED", TIME),
}


def kind_of(name: str) -> str:
    """Return the name of the stored type that a sample is of."""
    return name.partition("-")[0]


def test_every_stored_type_has_a_sample_and_a_golden_file() -> None:
    assert SAMPLES.keys() == {path.stem for path in GOLDEN.glob("*/*.json")}
    assert {kind_of(name) for name in SAMPLES} == STORED.keys()
    for name, sample in SAMPLES.items():
        assert type(sample) is STORED[kind_of(name)]
    written = "".join(map(StoredJson().serialize, SAMPLES.values()))
    for value in (*SocialEvent, *OwnEvent, *Progress):
        assert f'"{value}"' in written


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_written_today_is_what_the_newest_golden_file_has(name: str) -> None:
    # When this fails, workflows in flight meet the change: see `ports.stored`, and add a file beside the old one.
    *_, newest = sorted(GOLDEN.glob(f"*/{name}.json"))
    assert json.loads(StoredJson().serialize(SAMPLES[name])) == json.loads(newest.read_text())
    assert StoredJson().deserialize(newest.read_text()) == SAMPLES[name]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_any_version_wrote_is_read_today(path: Path) -> None:
    assert type(StoredJson().deserialize(path.read_text())) is STORED[kind_of(path.stem)]


def test_the_arguments_of_a_workflow_nothing_and_exceptions_are_kept() -> None:
    stored = StoredJson()
    arguments = {"args": (TradeTask("wren"),), "kwargs": {}}
    assert stored.deserialize(stored.serialize(arguments)) == arguments
    assert stored.deserialize(stored.serialize(None)) is None
    error = stored.deserialize(stored.serialize(RuntimeError("no")))
    assert isinstance(error, KeptError)
    assert (error.name, error.message) == ("RuntimeError", "no")


@pytest.mark.parametrize("value", [1, "text", [TradeTask("wren")], {"args": (), "kwargs": {"a": 1}}, object(), Mention])
def test_nothing_else_can_be_stored(value: Any) -> None:
    with pytest.raises(TypeError):
        StoredJson().serialize(value)


@pytest.mark.parametrize(
    "value",
    [
        TradeTask(7),  # type: ignore[arg-type]
        dataclasses.replace(SAMPLES["reply_proposal"], feelings=(OwnEvent.TRADED,)),
        dataclasses.replace(ORDER, event=SocialEvent.FAILED),  # type: ignore[arg-type]
        dataclasses.replace(ORDER, scores={"MOSS": float("nan")}),
    ],
)
def test_a_type_with_a_field_of_the_wrong_kind_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match=r"UnexpectedValue|not JSON compliant"):
        StoredJson().serialize(value)


def _forged() -> Iterator[str]:
    yield from (
        "",
        "{",
        "[]",
        "7",
        '"post"',
        "NaN",
        "[" * 100_000,
        "9" * 5_000,
        "gASVEAAAAAAAAACMAm9zlIwGc3lzdGVtlJOULg==",
    )
    records: list[dict[str, Any]] = [
        {"type": "post"},
        {"value": {}},
        {"type": "os.system", "value": {"command": "id"}},
        {"type": ["post"], "value": {}},
        {"type": "trade_task", "value": {}},
        {"type": "trade_task", "value": None},
        {"type": "trade_task", "value": ["wren"]},
        {"type": "trade_task", "value": {"agent_id": 7}},
        {"type": "trade_task", "value": {"agent_id": None}},
        {"type": "error", "value": "x"},
        {"type": "error", "value": {"name": "OSError"}},
        {"args": 7},
        {"args": [{"type": "nothing", "value": {}}]},
        {"args": [7]},
    ]
    yield from map(json.dumps, records)
    good = json.loads(StoredJson().serialize(ORDER))
    for name, wrong in (
        ("amount", "7"),
        ("amount", 7.5),
        ("amount", True),
        ("is_buy", 1),
        ("is_buy", "yes"),
        ("scores", {"MOSS": "high"}),
        ("scores", []),
        ("gain", "much"),
        ("gain", []),
        ("event", "enlightened"),
        ("event", "got_reply"),
        ("symbol", ["MOSS"]),
        ("scores", {"MOSS": float("nan")}),
        ("scores", {"MOSS": float("inf")}),
    ):
        yield json.dumps(good | {"value": good["value"] | {name: wrong}})
    said = json.loads(StoredJson().serialize(SAMPLES["reply_task"]))
    for time in ("yesterday", 1_700_000_000, None):
        mention = said["value"]["mention"] | {"create_time": time}
        yield json.dumps(said | {"value": said["value"] | {"mention": mention}})


@pytest.mark.parametrize("text", list(_forged()), ids=itertools.count())
def test_what_is_no_record_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UnreadableRecord) as refused:
        StoredJson().deserialize(text)
    assert refused.value.__cause__ is None
    assert len(str(refused.value)) < 100


@dataclasses.dataclass(frozen=True, slots=True)
class Later:
    """A task of a later version: renamed, with a field in the middle that is new, and without one that went."""

    agent_id: str
    mood: str = "even"
    topic: str = ""


def test_new_fields_have_defaults_unknown_ones_are_skipped_and_old_names_are_read() -> None:
    earlier = StoredJson().serialize(SAMPLES["post_task"])
    later = StoredJson({"later_task": Later, "post_task": Later})
    assert later.deserialize(earlier) == Later("wren", "even", "gates")
    assert json.loads(later.serialize(Later("wren")))["type"] == "later_task"
