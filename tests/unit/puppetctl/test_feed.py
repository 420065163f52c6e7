"""What the feed makes of activities."""

import io
from collections import Counter
from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.feed import Feed, counts, notice, plain, shortened

SIGNATURE = "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"


def _lines(entry: RenderableType) -> list[str]:
    output = io.StringIO()
    Console(file=output, width=80).print(entry)
    return output.getvalue().splitlines()


def _activity(kind: pb.ActivityKind.ValueType, summary: str, reason: str = "", **details: str) -> pb.Activity:
    activity = pb.Activity(
        agent_id="basil", agent_name="Basil", kind=kind, summary=summary, reason=reason, details=details
    )
    activity.create_time.FromDatetime(datetime(2026, 5, 4, 9, 30, 15, tzinfo=UTC))
    return activity


def _clock(time: datetime) -> str:
    return f"{time.astimezone():%H:%M:%S}"


NINE = _clock(datetime(2026, 5, 4, 9, 30, 15, tzinfo=UTC))


def test_a_post_shows_who_and_what_and_why() -> None:
    activity = _activity(pb.ACTIVITY_KIND_POST, "I waited.", "topic: rain; feels relaxed", memory="It rained once.")
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  Basil posts",
        "          I waited.",
        "          remembers “It rained once.” · topic: rain · feels relaxed",
    ]


def test_a_reply_shows_what_it_answers() -> None:
    activity = _activity(
        pb.ACTIVITY_KIND_REPLY, "Slowly.", in_reply_to="1", to="pia", to_name="Nonna Pia", mention="How?"
    )
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  Basil replies to Nonna Pia",
        "          “How?”",
        "          Slowly.",
    ]


def test_a_reply_to_somebody_without_a_name_shows_the_handle() -> None:
    activity = _activity(pb.ACTIVITY_KIND_REPLY, "Slowly.", in_reply_to="1", to="ann_from_x")
    assert _lines(Feed().entry(activity))[0] == f"{NINE}  Basil replies to ann_from_x"


def test_a_trade_shows_the_two_ends_of_its_signature() -> None:
    activity = _activity(pb.ACTIVITY_KIND_TRADE, "bought 0.05 SOL of SOCK", "it is calm", signature=SIGNATURE)
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  Basil bought 0.05 SOL of SOCK",
        "          it is calm · signature 5VER…kQUW",
    ]


def test_a_post_about_a_trade_says_so() -> None:
    assert _lines(Feed().entry(_activity(pb.ACTIVITY_KIND_POST, "I bought.", trade_id="trd_1")))[0].endswith(
        "posts about the trade"
    )


@pytest.mark.parametrize("kind", [pb.ACTIVITY_KIND_PASS, pb.ACTIVITY_KIND_FAILURE, pb.ACTIVITY_KIND_LIFECYCLE])
def test_anything_else_is_what_it_says_it_is(kind: pb.ActivityKind.ValueType) -> None:
    assert _lines(Feed().entry(_activity(kind, "holds", "nothing moves"))) == [
        f"{NINE}  Basil holds",
        "          nothing moves",
    ]


def test_nothing_is_wider_than_the_terminal() -> None:
    lines = _lines(Feed().entry(_activity(pb.ACTIVITY_KIND_POST, "word " * 60, "; ".join(["reason"] * 40))))
    assert max(map(len, lines)) <= 80
    assert all(line.startswith(" " * 10) for line in lines[1:])


def test_a_long_mention_is_cut_to_one_line() -> None:
    lines = _lines(
        Feed().entry(_activity(pb.ACTIVITY_KIND_REPLY, "No.", in_reply_to="1", to="ann", mention="why " * 99))
    )
    assert len(lines) == 3
    assert lines[1].endswith("…”")


def test_a_character_keeps_its_colour_and_another_has_another() -> None:
    feed = Feed()
    assert feed.name("basil", "Basil").style == feed.name("basil", "Basil the Slow").style
    assert feed.name("basil", "Basil").style != feed.name("pia", "Pia").style


def test_what_a_stranger_wrote_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b]0;title\x07b\u202ec\nd\x9be") == "a ]0;title bc d e"
    entry = Feed().entry(_activity(pb.ACTIVITY_KIND_REPLY, "[red]No.[/]", in_reply_to="1", mention="\x1b[2J"))
    assert _lines(entry)[1:] == ["          “ [2J”", "          [red]No.[/]"]


def test_a_notice_is_one_line_about_a_program() -> None:
    time = datetime(2026, 5, 4, 9, 30, 15, tzinfo=UTC)
    assert _lines(notice(time, "memory", "was ended by SIGKILL")) == ["09:30:15  memory was ended by SIGKILL"]


def test_counts_are_said_as_people_say_them() -> None:
    kinds = Counter[int]({pb.ACTIVITY_KIND_POST: 2, pb.ACTIVITY_KIND_REPLY: 1, pb.ACTIVITY_KIND_LIFECYCLE: 4})
    assert counts(kinds) == "2 posts, 1 reply"
    assert counts(Counter()) == "nothing yet"


def test_a_short_id_is_shown_whole() -> None:
    assert shortened("short") == "short"
    assert shortened(SIGNATURE) == "5VER…kQUW"
