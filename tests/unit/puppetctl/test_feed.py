"""What the feed makes of activities."""

import io
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console, RenderableType

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.terminal.feed import Feed, counts, in_short, notice, plain, shortened, told_of

SIGNATURE = "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"

SWAP = log_pb.Swap(trade_id="trd_1", signature=SIGNATURE)
TRADE, POST = log_pb.TradeEvent(swap=SWAP), log_pb.PostEvent(swap=SWAP)


def _lines(entry: RenderableType) -> list[str]:
    output = io.StringIO()
    Console(file=output, width=80).print(entry)
    return output.getvalue().splitlines()


def _activity(
    kind: log_pb.ActivityKind.ValueType, summary: str, reason: str = "", *memories: str, **event: Any
) -> log_pb.Activity:
    activity = log_pb.Activity(
        agent_id="basil",
        agent_name="Basil",
        kind=kind,
        summary=summary,
        reason=reason,
        memories=[log_pb.RecalledMemory(text=memory) for memory in memories],
        **event,
    )
    activity.create_time.FromDatetime(datetime(2026, 5, 4, 9, 30, 15, tzinfo=UTC))
    return activity


def _reply(text: str, **fields: str) -> log_pb.Activity:
    return _activity(log_pb.ACTIVITY_KIND_REPLY, text, reply=log_pb.ReplyEvent(text=text, **fields))


def _clock(time: datetime) -> str:
    return f"{time.astimezone():%H:%M:%S}"


NINE = _clock(datetime(2026, 5, 4, 9, 30, 15, tzinfo=UTC))


def test_a_post_shows_who_and_what_and_why() -> None:
    activity = _activity(log_pb.ACTIVITY_KIND_POST, "I waited.", "topic: rain; feels relaxed", "It rained once.")
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  Basil posts",
        "          I waited.",
        "          remembers “It rained once.” · topic: rain · feels relaxed",
    ]


def test_a_reply_shows_what_it_answers() -> None:
    activity = _reply("Slowly.", to_handle="pia", to_name="Nonna Pia", mention_text="How?")
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  Basil replies to Nonna Pia",
        "          “How?”",
        "          Slowly.",
    ]


def test_a_reply_to_somebody_without_a_name_shows_the_handle() -> None:
    activity = _reply("Slowly.", to_handle="ann_from_x")
    assert _lines(Feed().entry(activity))[0] == f"{NINE}  Basil replies to ann_from_x"


def test_a_trade_shows_the_two_ends_of_its_signature() -> None:
    activity = _activity(log_pb.ACTIVITY_KIND_TRADE, "bought 0.05 SOL of SOCK", "it is calm", trade=TRADE)
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  Basil bought 0.05 SOL of SOCK",
        "          it is calm · signature 5VER…kQUW",
    ]


def test_a_post_about_a_trade_says_so() -> None:
    assert _lines(Feed().entry(_activity(log_pb.ACTIVITY_KIND_POST, "I bought.", post=POST)))[0].endswith(
        "posts about the trade"
    )


@pytest.mark.parametrize(
    "kind", [log_pb.ACTIVITY_KIND_PASS, log_pb.ACTIVITY_KIND_FAILURE, log_pb.ACTIVITY_KIND_LIFECYCLE]
)
def test_anything_else_is_what_it_says_it_is(kind: log_pb.ActivityKind.ValueType) -> None:
    assert _lines(Feed().entry(_activity(kind, "holds", "nothing moves"))) == [
        f"{NINE}  Basil holds",
        "          nothing moves",
    ]


def test_nothing_is_wider_than_the_terminal() -> None:
    lines = _lines(Feed().entry(_activity(log_pb.ACTIVITY_KIND_POST, "word " * 60, "; ".join(["reason"] * 40))))
    assert max(map(len, lines)) <= 80
    assert all(line.startswith(" " * 10) for line in lines[1:])


def test_a_long_mention_is_cut_to_one_line() -> None:
    lines = _lines(Feed().entry(_reply("No.", to_handle="ann", mention_text="why " * 99)))
    assert len(lines) == 3
    assert lines[1].endswith("…”")


def test_a_character_keeps_its_colour_and_another_has_another() -> None:
    feed = Feed()
    assert feed.name("basil", "Basil").style == feed.name("basil", "Basil the Slow").style
    assert feed.name("basil", "Basil").style != feed.name("pia", "Pia").style


def test_what_a_stranger_wrote_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b]0;title\x07b\u202ec\nd\x9be") == "a ]0;title bc d e"
    entry = Feed().entry(_reply("[red]No.[/]", mention_text="\x1b[2J"))
    assert _lines(entry)[1:] == ["          “ [2J”", "          [red]No.[/]"]


def test_a_notice_is_one_line_about_a_program() -> None:
    time = datetime(2026, 5, 4, 9, 30, 15, tzinfo=UTC)
    assert _lines(notice(time, "memory", "was ended by SIGKILL")) == ["09:30:15  memory was ended by SIGKILL"]


def test_counts_are_said_as_people_say_them() -> None:
    kinds = Counter[int](
        {log_pb.ACTIVITY_KIND_POST: 2, log_pb.ACTIVITY_KIND_REPLY: 1, log_pb.ACTIVITY_KIND_LIFECYCLE: 4}
    )
    assert counts(kinds) == "2 posts, 1 reply"
    assert counts(Counter()) == "nothing yet"


def test_a_short_id_is_shown_whole() -> None:
    assert shortened("short") == "short"
    assert shortened(SIGNATURE) == "5VER…kQUW"


def test_fields_without_effect_are_told_of_in_one_line() -> None:
    idle = [pb.Notice(reason=pb.NOTICE_REASON_NO_EFFECT, description=f"f{number} has no effect") for number in range(9)]
    unknown = pb.Notice(reason=pb.NOTICE_REASON_UNKNOWN_FIELD, description="nobody here knows aura")
    assert told_of([unknown]) == ("nobody here knows aura",)
    assert told_of([*idle, unknown]) == (
        "nobody here knows aura",
        "9 fields without effect (GetAgentStatus names them)",
    )
    assert told_of(idle[:1]) == ("1 field without effect (GetAgentStatus names them)",)


def test_of_many_notices_the_first_are_told_and_how_many_there_are() -> None:
    assert in_short(["one", "two"]) == ["one", "two"]
    *first, more = in_short([f"nobody here knows f{number}\x1b[2J" for number in range(2_000)])
    assert first == [f"nobody here knows f{number} [2J" for number in range(5)]
    assert more.startswith("and 1995 more")
