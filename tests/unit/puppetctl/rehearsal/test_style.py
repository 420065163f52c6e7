"""The hard rules of a style guide, by the persona's file alone."""

from typing import Any

import pytest

from puppetctl.rehearsal.style import broken_rules


def guide(form: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a persona with this formatting and style guide."""
    return {"style_guide": {"formatting": form or {}, **more}}


@pytest.mark.parametrize(
    ("persona", "kept", "broken", "rule"),
    [
        (guide({"capitalization": "lowercase"}), "odd and the BBC", "Odd", "capitals"),
        (guide({"capitalization": "lowercase"}), "i see", "I see", "capitals"),
        (guide({"capitalization": "standard"}), "“It is late.”", "it is late.", "begins with a small letter"),
        (guide({"capitalization": "uppercase"}), "NO. 9", "No.", "isn't in capitals"),
        (guide({"uses_emojis": True}), "rain 🌧️", "", "isn't one paragraph"),
        (guide({"uses_emojis": False}), "© 2024, ™ 9 # *", "rain 🌧️", "an emoji"),
        (guide({"uses_hashtags": False}), "number #1", "the #rain", "a hashtag"),
        (guide({"avoid_hyphens": True}), "a b", "well-known", "a hyphen"),
        (guide({"avoid_hyphens": True}), "a b", "rain — again", "a hyphen"),
        (guide(), "3.14 of it", "see rain.com", "a link"),
        (guide(), "@odd hello there", "hello @odd", "mentions somebody"),
        (guide(), "hello", "hello\nthere", "one paragraph"),
        (guide(), "the shitake", "oh shit", "swears"),
        (guide(content_preferences={"max_post_length": 9}), "@odd nine char", "ten letters", "longer than 9"),
        (guide(), "a" * 280, "a" * 281, "longer than 280"),
        (guide(vocabulary={"avoid_terms": ["hack"]}), "a shackle", "a Hack!", "avoided term 'hack'"),
        (guide(topics_to_avoid=["politics"]), "polite", "politics, again", "avoided topic 'politics'"),
    ],
)
def test_a_rule_is_kept_or_named(persona: dict[str, Any], kept: str, broken: str, rule: str) -> None:
    assert broken_rules(kept, persona) == []
    assert any(rule in found for found in broken_rules(broken, persona))


def test_a_persona_without_a_guide_asks_for_little() -> None:
    assert broken_rules("anything At all", {}) == []
    assert broken_rules("🌧", {"style_guide": None}) == ["has an emoji"]
