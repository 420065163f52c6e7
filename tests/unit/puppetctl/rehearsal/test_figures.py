"""What is counted of a life."""

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.memory.v1 import relationship_service_pb2 as relations_pb
from puppetctl.rehearsal.costs import Price, model_usd, network_usd, prices
from puppetctl.rehearsal.figures import figures, near_duplicates
from tests.unit.puppetctl.rehearsal.lives import CLOCK, SLEEPER, life, post, reply, silence, writing


def test_posts_are_counted_by_the_hour_of_the_characters_zone_in_which_they_were_planned() -> None:
    # At 8:30 in UTC it is half past nine in Berlin; a post that is five hours late for the model's sake counts there.
    found = figures(life([post(8.5, "one", late_seconds=5.0), post(12, "two"), post(8.9 + 24, "three")]), CLOCK, {})
    assert {hour: count for hour, count in enumerate(found.hours) if count} == {9: 2, 13: 1}
    assert [one.day for one in found.posts] == [1, 1, 2]
    assert found.peak_share == pytest.approx(2 / 3)
    assert found.posts[0].late_hours == pytest.approx(5.0, rel=0.01)


def test_what_is_said_in_its_sleep_is_counted() -> None:
    spoken = [post(2, "asleep"), post(12, "awake"), reply(3, "asleep, too")]
    assert figures(life(spoken, behavior=SLEEPER), CLOCK, {}).in_quiet == 2
    assert figures(life(spoken), CLOCK, {}).in_quiet == 0


def test_an_answer_is_counted_in_the_hour_in_which_it_was_begun() -> None:
    # Posts take two seconds, which are two hours at this speed, and so does the answer.
    found = figures(life([post(4, "a", late_seconds=2.0), reply(9, "b")], behavior=SLEEPER), CLOCK, {})
    assert found.replies[0].clock.hour == 8
    assert not found.replies[0].is_in_quiet


def test_silences_are_counted_by_their_reasons() -> None:
    quiet = [silence(1, log_pb.PASS_REASON_BY_CHANCE, "by chance"), silence(2, log_pb.PASS_REASON_TOO_OLD)]
    found = figures(life([*quiet, silence(3, log_pb.PASS_REASON_BY_CHANCE), reply(4, "hi")]), CLOCK, {})
    assert found.silences == [("reply: by chance", 2, "by chance"), ("reply: too old", 1, "")]
    assert found.mentions == 4


def test_rules_of_the_guard_are_counted_with_an_example() -> None:
    written = [post(1, "a", writing=writing("SHAPE", "LENGTH")), post(2, "b", writing=writing("SHAPE"))]
    verdicts = figures(life(written), CLOCK, {}).verdicts
    assert (verdicts.written, verdicts.refused) == (5, 3)
    assert verdicts.by_rule == [("SHAPE", 2, "breaks SHAPE"), ("LENGTH", 1, "breaks LENGTH")]


def test_texts_that_are_nearly_the_same_are_found_whoever_they_speak_to() -> None:
    texts = ["the kettle is on again", "@bob the kettle is on, again!", "the fog came in early"]
    [pair] = near_duplicates(texts)
    assert (pair.first, pair.second) == (texts[0], texts[1])
    assert pair.likeness == 1.0


def test_style_is_lengths_and_openings_that_come_again() -> None:
    style = figures(
        life([post(n, text) for n, text in enumerate(["The fog is in.", "the fog is out", "Bread"])]), CLOCK, {}
    ).style
    assert style is not None
    assert (style.shortest, style.middle, style.longest) == (5, 14, 14)
    assert style.openings == [("the fog", 2)]
    assert figures(life(), CLOCK, {}).style is None


def test_relationships_are_shown_as_they_grew_and_by_their_names() -> None:
    before = {"bob": relations_pb.Relationship(counterpart="bob", sentiment=0.5, interaction_count=1)}
    after = {
        "bob": relations_pb.Relationship(counterpart="bob", sentiment=0.75, interaction_count=2),
        "x:1": relations_pb.Relationship(counterpart="x:1", familiarity=0.25, interaction_count=3),
    }
    new, old = figures(life(before=before, after=after), CLOCK, {"bob": "Bob"}).bonds
    assert (new.name, new.exchanges, new.before, new.after) == ("x:1", 3, (0, 0, 0), (0, 0.25, 0))
    assert (old.name, old.exchanges, old.before[0], old.after[0]) == ("Bob", 1, 0.5, 0.75)


def test_costs_are_tokens_and_what_x_bills() -> None:
    found = figures(life([post(1, "a", writing=writing(tokens=10_000)), reply(2, "b")]), CLOCK, {})
    assert model_usd(found, Price("m", 1.0, 10.0)) == pytest.approx(0.02)
    assert network_usd(found) == pytest.approx(0.015 + 0.010 + 0.005)
    [own] = prices(None, 2.0)
    assert (own.read, own.written) == (0.0, 2.0)
