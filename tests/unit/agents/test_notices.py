"""What messages to a person say: strangers' words are marked, cut, and without any effect in a chat."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.agents.domain.alerts import AlertKind
from services.agents.domain.drafts import DraftRecord
from services.agents.domain.notices import alert_notice, draft_notice, names_of, resolved_notice
from services.agents.domain.proposals import PostProposal, Proposal, ReplyProposal
from services.agents.domain.records import NO_GROUNDS, Trigger
from services.agents.domain.tasks import Heard, Mention

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BAIT = "<!channel> @everyone [click](https://evil.example) `rm` *now* www.evil.example \u202eabc\x1b[31m"
MENTION = Mention("1", "mallory", BAIT, "1", NOW)
STRANGER = Heard("mem_1", "x:7", "mallory", is_fellow=False)


def draft(proposal: Proposal, behaviour: str = "reply") -> DraftRecord:
    return DraftRecord(
        id="drf_1",
        agent_id="wren",
        agent_name="Wren",
        behaviour=behaviour,
        workflow_id="w",
        trigger=Trigger.MENTION,
        proposal=proposal,
        create_time=NOW,
        expire_time=NOW + timedelta(hours=24),
    )


def reply(text: str = "Hello", mention: Mention = MENTION, heard: Heard = STRANGER) -> ReplyProposal:
    return ReplyProposal(agent_id="wren", texts=(text,), grounds=NO_GROUNDS, mention=mention, heard=heard)


def body_of(proposal: Proposal, public_url: str = "") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(draft_notice(draft(proposal), public_url).body(NOW))
    return body


def test_a_strangers_words_are_marked_and_have_no_effect_in_a_chat() -> None:
    body = body_of(reply())
    assert body["data"]["answers"]["origin"] == "EXTERNAL"
    assert "mallory, a stranger, who wrote" in body["text"]
    for effect in ("<", "@", "](", "://evil", "www.evil", "`rm`", "*now*", "\u202e", "\x1b"):
        assert effect not in body["text"].replace("`puppetctl drafts approve drf_1`", "")
    assert "\u202e" not in body["data"]["answers"]["text"]


def test_a_fellows_words_are_a_fellows_unless_they_may_be_a_strangers() -> None:
    fellow = Heard("mem_1", "finch", "Finch", is_fellow=True)
    assert body_of(reply(heard=fellow))["data"]["answers"]["origin"] == "AGENT"
    assert body_of(reply(heard=replace(fellow, may_echo=True)))["data"]["answers"]["origin"] == "EXTERNAL"


def test_what_is_long_is_cut_and_the_link_still_stands_at_the_end() -> None:
    body = body_of(reply("a" * 5_000, replace(MENTION, text="b" * 5_000)), "https://suite.example")
    assert len(body["text"]) < 2_000
    assert len(body["data"]["answers"]["text"]) == 280
    assert len(body["data"]["words"]) == 1_000
    assert "https://suite.example/drafts/drf_1" in body["text"]


def test_a_remark_says_that_it_is_about_strangers_words() -> None:
    remark = PostProposal(agent_id="wren", texts=("Hm.",), grounds=NO_GROUNDS, topic="", news_text=BAIT)
    body = json.loads(draft_notice(draft(remark, "remark"), "").body(NOW))
    assert body["data"]["answers"]["origin"] == "EXTERNAL"
    assert "about what strangers wrote" in body["text"]


def test_of_many_characters_the_first_are_named_and_the_others_counted() -> None:
    many = [(f"agt_{number}", f"Name {number}") for number in range(100)]
    notice = alert_notice(AlertKind.KEY_REFUSED, "PROVIDER_REFUSED", many, "no such <key>", NOW)
    assert names_of(many).endswith("and 95 more")
    assert (notice.data["agent_count"], len(notice.data["agents"])) == (100, 5)
    assert "<key>" not in notice.text


def test_the_end_of_something_says_since_when_it_was() -> None:
    over = resolved_notice(AlertKind.ACCOUNT_QUIET, "ACCOUNT_LOCKED", "Wren", NOW, NOW + timedelta(hours=1))
    assert (over.type, over.data["end_time"]) == ("alert.resolved", "2026-11-22T13:00:00Z")
    assert over.text.startswith("Over: Wren ")
    assert "2026-11-22 12:00 UTC" in over.text
