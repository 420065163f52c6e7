"""What the feed makes of activities."""

import io
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console, RenderableType

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppetctl.terminal.feed import Feed, notice
from puppetctl.terminal.reasons import in_a_line, in_full
from puppetctl.terminal.reasons import in_short as reasons_in_short
from puppetctl.terminal.threads import threaded
from puppetctl.terminal.words import counts, in_short, plain, shortened, told_of

SIGNATURE = "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"

SWAP = log_pb.Swap(trade_id="trd_1", signature=SIGNATURE)


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


def test_a_post_is_its_words_and_a_short_why() -> None:
    reason = "topic: rain; feels relaxed; best of 6 good in 6 by local/SmolLM2, score 0.06"
    post = log_pb.PostEvent(topic="rain")
    activity = _activity(log_pb.ACTIVITY_KIND_POST, "I waited.", reason, post=post, mood="relaxed")
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  Basil",
        "          I waited.",
        "          about rain · feels relaxed",
    ]


def test_a_memory_that_is_told_of_is_the_why_and_is_cut_to_the_line() -> None:
    told = "In my first winter I was snowed in for nine days with one book about soup and no bread."
    activity = _activity(log_pb.ACTIVITY_KIND_POST, "It rained.", "", told, mood="gentle")
    [why] = _lines(Feed().entry(activity))[2:]
    assert why == "          remembers “In my first winter I was snowed in for nine days wi…”"


def test_who_asks_gets_scores_and_models_and_every_memory() -> None:
    reason = "topic: rain; feels relaxed; best of 6 good in 6 by local/SmolLM2, score 0.06"
    activity = _activity(log_pb.ACTIVITY_KIND_POST, "I waited.", reason, "It rained once.")
    told = " ".join(line.strip() for line in _lines(Feed(explains=True).entry(activity))[2:])
    assert told == (
        "remembers “It rained once.” · topic: rain · feels relaxed · best of 6 good in 6 by local/SmolLM2, score 0.06"
    )


def test_a_reply_is_indented_below_what_it_answers_in_a_quote() -> None:
    activity = _reply("Slowly.", to_handle="pia", to_name="Nonna Pia", mention_text="How?")
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  ↳ Basil to Nonna Pia",
        "            “How?”",
        "            Slowly.",
    ]


def test_what_stands_right_above_its_answer_is_not_quoted_again() -> None:
    feed = Feed()
    post = _activity(log_pb.ACTIVITY_KIND_POST, "How?", post=log_pb.PostEvent(network_post_id="7"))
    answer = _reply("Slowly.", to_handle="pia", mention_text="How?", in_reply_to_network_post_id="7")
    assert len(_lines(feed.entry(post))) == 2
    assert _lines(feed.entry(answer))[1:] == ["            Slowly."]
    assert _lines(feed.entry(answer))[1:] == ["            “How?”", "            Slowly."]


def test_in_a_past_replies_stand_below_what_they_answer_however_late_they_came() -> None:
    def post(name: str) -> log_pb.Activity:
        return _activity(log_pb.ACTIVITY_KIND_POST, name, post=log_pb.PostEvent(network_post_id=name))

    def reply(name: str, to: str) -> log_pb.Activity:
        return _reply(name, network_post_id=name, in_reply_to_network_post_id=to, mention_text="what was said")

    past = [
        post("fog"),
        post("tea"),
        reply("yes", "fog"),
        reply("no", "yes"),
        reply("late", "gone"),
        reply("so", "fog"),
    ]
    shown = [line for entry in Feed().threads(past) for line in _lines(entry)]
    assert [line[10:] for line in shown if not line.startswith(NINE)] == [
        *("fog", "  yes", "    no", "  so", "tea"),
        *("  “what was said”", "  late"),
    ]


def test_replies_that_answer_each_other_in_a_circle_are_all_shown_once() -> None:
    circle = [
        _reply(name, network_post_id=name, in_reply_to_network_post_id=to) for name, to in (("a", "b"), ("b", "a"))
    ]
    assert sorted(activity.summary for activity, _ in threaded(circle)) == ["a", "b"]
    assert [depth for _, depth in threaded(circle)] == [0, 1]


def test_a_reply_to_somebody_without_a_name_shows_the_handle() -> None:
    activity = _reply("Slowly.", to_handle="ann_from_x")
    assert _lines(Feed().entry(activity))[0] == f"{NINE}  ↳ Basil to ann_from_x"


def test_a_trade_shows_the_first_of_its_reasons_and_its_signature_to_who_asks() -> None:
    trade = log_pb.TradeEvent(swap=SWAP, reasons=["it is calm", "its pool holds $700,000", "x" * 80, "it is verified"])
    activity = _activity(log_pb.ACTIVITY_KIND_TRADE, "bought 0.05 SOL of SOCK", "it is calm", trade=trade)
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  Basil bought 0.05 SOL of SOCK",
        "          it is calm · its pool holds $700,000 · it is verified",
    ]
    assert _lines(Feed(explains=True).entry(activity))[-1].endswith("it is calm · signature 5VER…kQUW")


def test_a_post_about_a_trade_says_so() -> None:
    about = log_pb.PostEvent(swap=log_pb.Swap(symbol="SOCK"))
    assert _lines(Feed().entry(_activity(log_pb.ACTIVITY_KIND_POST, "I bought.", post=about)))[-1] == (
        "          tells of its trade of SOCK"
    )


def test_what_a_person_wrote_is_told() -> None:
    activity = _activity(log_pb.ACTIVITY_KIND_POST, "I waited.", is_edited=True)
    assert _lines(Feed().entry(activity))[-1] == "          in words of a person"


def test_a_draft_says_how_it_is_approved() -> None:
    draft = log_pb.DraftEvent(draft_id="dft_1")
    activity = _activity(log_pb.ACTIVITY_KIND_DRAFT, "I waited.", "it waits", draft=draft, behaviour="trade_post")
    assert _lines(Feed().entry(activity)) == [
        f"{NINE}  Basil proposes a trade post",
        "          I waited.",
        "          puppetctl drafts approve dft_1",
        "          it waits",
    ]


@pytest.mark.parametrize("kind", [log_pb.ACTIVITY_KIND_FAILURE, log_pb.ACTIVITY_KIND_REFLECTION])
def test_anything_else_is_what_it_says_it_is(kind: log_pb.ActivityKind.ValueType) -> None:
    assert _lines(Feed().entry(_activity(kind, "holds", "nothing moves"))) == [
        f"{NINE}  Basil holds",
        "          nothing moves",
    ]


@pytest.mark.parametrize("kind", [log_pb.ACTIVITY_KIND_PASS, log_pb.ACTIVITY_KIND_LIFECYCLE])
def test_what_was_not_done_is_told_in_a_line_where_there_is_room(kind: log_pb.ActivityKind.ValueType) -> None:
    assert _lines(Feed().entry(_activity(kind, "holds", "nothing moves"))) == [f"{NINE}  Basil holds · nothing moves"]
    assert _lines(Feed().entry(_activity(kind, "holds", "nothing moves " * 5))) == [
        f"{NINE}  Basil holds",
        "          " + "nothing moves " * 4 + "nothing moves",
    ]


def test_a_failure_tells_all_of_its_reason_and_a_pass_a_line() -> None:
    long = "; ".join(["the node did not answer for a long while"] * 4)
    assert len(_lines(Feed().entry(_activity(log_pb.ACTIVITY_KIND_PASS, "holds", long)))) == 1
    assert len(_lines(Feed().entry(_activity(log_pb.ACTIVITY_KIND_FAILURE, "could not trade", long)))) > 3


def test_nothing_is_wider_than_the_terminal() -> None:
    lines = _lines(Feed().entry(_activity(log_pb.ACTIVITY_KIND_POST, "word " * 60, "; ".join(["reason"] * 40))))
    assert max(map(len, lines)) <= 80
    assert all(line.startswith(" " * 10) for line in lines[1:])


def test_a_long_mention_is_cut_to_one_line() -> None:
    lines = _lines(Feed().entry(_reply("No.", to_handle="ann", mention_text="why " * 99)))
    assert len(lines) == 3
    assert len(lines[1]) <= 80
    assert lines[1].endswith("…”")


def test_a_character_keeps_its_colour_and_another_has_another() -> None:
    feed = Feed()
    assert feed.name("basil", "Basil").style == feed.name("basil", "Basil the Slow").style
    assert feed.name("basil", "Basil").style != feed.name("pia", "Pia").style


def test_a_character_has_its_colour_in_every_command_whoever_is_seen_first() -> None:
    names = ("basil", "odd", "pia", "unit-7")
    one, other = Feed(), Feed()
    forwards = {name: one.name(name, name).style for name in names}
    assert {name: other.name(name, name).style for name in reversed(names)} == forwards
    assert len(set(forwards.values())) == len(names)


def test_what_a_stranger_wrote_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b]0;title\x07b\u202ec\nd\x9be") == "a ]0;title bc d e"
    entry = Feed().entry(_reply("[red]No.[/]", mention_text="\x1b[2J"))
    assert _lines(entry)[1:] == ["            “ [2J”", "            [red]No.[/]"]


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


def test_a_code_is_for_who_asks_for_all_reasons() -> None:
    activity = _activity(log_pb.ACTIVITY_KIND_PASS, "concludes nothing", "PROVIDER_REFUSED: local: wrote no JSON")
    assert in_a_line(activity, 70) == "local: wrote no JSON"
    assert in_full(activity) == "PROVIDER_REFUSED: local: wrote no JSON"


def test_reasons_in_short_leave_out_how_the_words_were_chosen() -> None:
    reason = "topic: rain; feels relaxed; best of 6 good in 6 by local/SmolLM2, score 0.06"
    assert reasons_in_short(reason) == "topic: rain · feels relaxed"
    assert reasons_in_short("") == ""
