"""What has changed of a persona is told by paths."""

from services.agents.domain.persona import changed_paths


def test_what_differs_is_named_as_deep_as_it_is_an_object() -> None:
    before = {"name": "A", "style_guide": {"tone": "dry", "voice": "v"}, "post_examples": ["a"], "gone": {"a": 1}}
    after = {"name": "A", "style_guide": {"tone": "warm", "voice": "v"}, "post_examples": ["a", "b"], "new": {"b": 2}}
    assert changed_paths(before, after) == ["gone", "new", "post_examples", "style_guide.tone"]
    assert changed_paths(after, after) == []


def test_of_many_changes_the_first_hundred_are_named_and_none_at_any_length() -> None:
    paths = changed_paths({}, {f"{number:03}{'x' * 300}": number for number in range(300)})
    assert len(paths) == 100
    assert paths[0] == "000" + "x" * 197
