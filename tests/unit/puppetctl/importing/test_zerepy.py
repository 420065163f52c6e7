"""Agents of ZerePy."""

from tests.support.characters import imported, notes, zerepy


def test_each_field_goes_where_it_has_its_effect() -> None:
    assert imported(zerepy()).persona == {
        "id": "moth",
        "name": "Moth",
        "description": "You are Moth, who likes lamps.",
        "personality": {"background": "You are easily led.", "traits": ["curious", "soft"]},
        "post_examples": ["found a lamp. it was the moon.", "going towards it again."],
        "behavior": {"post_frequency": {"min_hours_between_posts": 1.5, "max_hours_between_posts": 3.0}},
    }


def test_what_is_left_says_why() -> None:
    left = notes(imported(zerepy()))
    assert left["config[1].model"].startswith("which model writes")
    assert left["config[2].plugins[0].args.api_key"] == "is a secret, and is written nowhere"
    assert left["loop_delay"].startswith("is how often a loop turns")
    assert left["example_accounts[0]"].startswith("names accounts")


def test_a_pause_that_is_none_is_left() -> None:
    for interval in (0, -5, True, "soon", 1e12):
        done = imported(zerepy(config=[{"name": "twitter", "tweet_interval": interval}]))
        assert "behavior" not in done.persona


def test_a_very_short_pause_is_one() -> None:
    done = imported(zerepy(config=[{"name": "twitter", "tweet_interval": 0.001}]))
    assert done.persona["behavior"]["post_frequency"]["min_hours_between_posts"] > 0
