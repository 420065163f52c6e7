"""What an import writes, the agents service takes: the same limits, whatever is in a file."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puppetctl.characters.personas import struct_of
from puppetctl.importing import limits, registry
from puppetctl.importing.errors import Unreadable
from puppetctl.importing.sources import Document
from services.agents.domain.persona import read_persona
from services.runtime.errors import InvalidRequest
from tests.support.characters import card, check, elizaos, imported, notes, persona, zerepy

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["{{user}}: hi", "<b>", "a, b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_SECRET = "sk-0123456789abcdefghij0123"  # noqa: S105 - one that looks like it


def _accepts(content: dict[str, Any]) -> bool:
    try:
        read_persona({"id": "a", "name": "A", **content})
    except InvalidRequest:
        return False
    return True


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (lambda text: {"name": text}, limits.NAME),
        (lambda text: {"description": text}, limits.DESCRIPTION),
        (lambda text: {"personality": {"background": text}}, limits.PROSE),
        (lambda text: {"personality": {"speaking_style": text}}, limits.PROSE),
        (lambda text: {"style_guide": {"voice": text}}, limits.PROSE),
        (lambda text: {"custom_system_prompt": text}, limits.SYSTEM_PROMPT),
        (lambda text: {"personality": {"traits": [text]}}, limits.ITEM),
        (lambda text: {"initial_memory": {"core_memories": [text]}}, limits.MEMORY),
        (lambda text: {"initial_memory": {"relationships": {"users": {"x": {"notes": text}}}}}, limits.NOTES),
        (lambda text: {"personality": {"traits": list(text)}}, limits.ENTRIES),
    ],
)
def test_the_limits_are_those_of_the_service(make: Any, limit: int) -> None:
    assert _accepts(make("x" * limit))
    assert not _accepts(make("x" * (limit + 1)))


def _changed(make: Any) -> st.SearchStrategy[dict[str, Any]]:
    base = make()
    inner = list(base["data"]) if "data" in base else list(base)
    return st.dictionaries(st.sampled_from(inner), _JSON, max_size=6).map(lambda changes: make(**changes))


@settings(max_examples=120)
@given(st.one_of(_changed(elizaos), _changed(zerepy), _changed(card), _changed(persona)))
def test_whatever_stands_in_a_field_the_persona_is_accepted_and_each_value_told_of_once(
    content: dict[str, Any],
) -> None:
    document = Document("test", "place", content)
    if (form := registry.recognise(document)) is None:
        return
    try:
        done = registry.convert(document, form)
    except Unreadable:
        return
    check(done, content)
    struct_of(done.persona)


@settings(max_examples=150)
@given(
    st.sampled_from(registry.FORMATS),
    _JSON | st.dictionaries(st.sampled_from(["name", "id", "bio", "data", "style"]), _JSON),
)
def test_a_format_that_is_said_of_anything_makes_a_persona_or_an_error(form: registry.Format, content: Any) -> None:
    try:
        done = registry.convert(Document("test", "place", content), form)
    except Unreadable:
        return
    check(done, content)


@settings(max_examples=100)
@given(st.data())
def test_a_key_is_written_wherever_it_stands_in_none_of_the_formats(data: st.DataObject) -> None:
    make = data.draw(st.sampled_from([elizaos, zerepy, card, persona]))
    base = make()
    field = data.draw(st.sampled_from(sorted(base.get("data", base))))
    value = data.draw(
        st.sampled_from([_SECRET, [f"see {_SECRET}"], {"x": [_SECRET]}, f"{_SECRET[:8]}\u200b{_SECRET[8:]}"])
    )
    document = Document("test", "place", make(**{field: value}))
    if (form := registry.recognise(document)) is None:
        return
    try:
        done = registry.convert(document, form)
    except Unreadable:
        return
    assert _SECRET not in json.dumps(done.persona)
    assert not any(_SECRET in row.note for row in done.rows)


def test_knowledge_is_left_until_the_persona_is_small_enough() -> None:
    facts = [{"path": f"book-{number}", "content": f"Fact {number} is long. " * 50} for number in range(1_200)]
    done = imported(elizaos(knowledge=facts))
    assert struct_of(done.persona).ByteSize() <= limits.PERSONA_BYTES
    assert sum("has no room: a persona has at most 1 MiB" in note for note in notes(done).values()) > 300


def test_what_is_too_much_for_a_character_is_refused() -> None:
    for content, words in (
        (elizaos(lore=["x"] * 100_001), "holds more than 100,000 values"),
        (elizaos(lore=json.loads("[" * 80 + "1" + "]" * 80)), "nested more than 60 levels deep"),
        ({**elizaos(), "name": " \u200b "}, "give it a --name"),
    ):
        with pytest.raises(Unreadable, match=words):
            imported(content)


def test_texts_are_cut_to_what_a_field_holds() -> None:
    done = imported(elizaos(name="N" * 300, bio=["A sentence. " * 1_000], adjectives=["brave " * 200]))
    assert len(done.persona["name"]) == limits.NAME
    assert len(done.persona["personality"]["background"]) <= limits.PROSE
    assert done.persona["personality"]["background"].endswith("sentence.")
    assert len(done.persona["personality"]["traits"][0]) <= limits.PORTRAIT_ITEM
