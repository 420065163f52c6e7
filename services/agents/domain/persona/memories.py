"""What a persona file says about the time before: memories, what is known, old posts, and whom the character knows."""

from collections.abc import Iterator
from datetime import UTC, datetime

from services.agents.domain.persona.model import InitialMemory, MemorySeed, RelationshipSeed
from services.agents.domain.persona.section import Section
from services.runtime.errors import quoted

_KINDS = frozenset(("core", "recent", "event", "interaction", "post", "trade", "relationship", "reflection", "general"))
_TEXT = 8_000


def read_initial_memory(root: Section) -> InitialMemory:
    """Read `initial_memory`: an object with a list for each kind, or one list of memories that name their kind."""
    if isinstance(root.raw("initial_memory"), list | tuple):
        return InitialMemory(tuple(_seeds(root, "initial_memory", "general", 0.7)), ())
    section = root.section("initial_memory")
    seeds = (
        *_seeds(section, "core_memories", "core", 0.9),
        *_seeds(section, "recent_events", "event", 0.6),
        *_knowledge(section),
        *_seeds(section, "tweet_history", "post", 0.4),
    )
    known = section.section("relationships")
    people = (*_relationships(known.section("other_agents"), True), *_relationships(known.section("users"), False))
    return InitialMemory(seeds, people)


def _seeds(section: Section, name: str, kind: str, importance: float) -> Iterator[MemorySeed]:
    for entry in section.entries(name):
        if isinstance(entry, str):
            yield MemorySeed(entry, kind, importance)
            continue
        field = "text" if "text" in entry.names() and "content" not in entry.names() else "content"
        given = entry.number("importance", 0, 1)
        said = entry.text("type", 40)
        if said and said not in _KINDS:
            entry.refuse("type", f"must be one of {', '.join(sorted(_KINDS))}, and is {quoted(said)}")
        yield MemorySeed(
            text=entry.text(field, _TEXT, required=True),
            kind=said or kind,
            importance=importance if given is None else given,
            occur_time=_time(entry, "timestamp"),
        )


def _time(entry: Section, name: str) -> datetime | None:
    value = entry.raw(name)
    if value is None or value == "":
        return None
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        entry.refuse(name, "must be a time in ISO 8601, or in seconds since 1970")
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _knowledge(section: Section) -> Iterator[MemorySeed]:
    """Read a list of facts, or lists of facts by their heading."""
    name = "knowledge_base"
    given = section.raw(name)
    if isinstance(given, dict):
        shelves = section.section(name)
        for heading in shelves.names():
            for fact in shelves.texts(heading, _TEXT):
                yield MemorySeed(f"{heading.replace('_', ' ')}: {fact}", "general", 0.5)
    else:
        for fact in section.texts(name, _TEXT):
            yield MemorySeed(fact, "general", 0.5)


def _relationships(people: Section, is_agent: bool) -> Iterator[RelationshipSeed]:
    for name in people.names():
        counterpart = name.strip() if is_agent else name.strip().removeprefix("@")
        if not 0 < len(counterpart) <= 200:
            people.refuse(name, "must be named by 1 to 200 characters")
        if isinstance(people.raw(name), str):
            yield RelationshipSeed(counterpart, is_agent, 0.0, 0.3, 0.0, people.text(name, 2_000))
            continue
        entry = people.section(name)
        yield RelationshipSeed(
            counterpart=counterpart,
            is_agent=is_agent,
            sentiment=entry.number("sentiment", -1, 1) or 0.0,
            familiarity=entry.number("familiarity", 0, 1) or 0.0,
            trust=entry.number("trust", -1, 1) or 0.0,
            notes=entry.prose("notes", 2_000),
        )
