"""A persona is read once for every version of it."""

from datetime import UTC, datetime, timedelta

from services.agents.domain.entities import AgentRecord
from services.agents.service.personas import Personas

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def agent(agent_id: str, name: str = "A", version: int = 0, create_time: datetime = NOW) -> AgentRecord:
    return AgentRecord(
        id=agent_id,
        name=name,
        description="",
        is_active=True,
        persona={"id": agent_id, "name": name},
        valence=0,
        arousal=0,
        dominance=0,
        mood_time=NOW,
        create_time=create_time,
        update_time=NOW,
        version=version,
    )


def test_the_same_version_is_read_once_and_another_one_anew() -> None:
    personas = Personas()
    first = personas.of(agent("a"))
    assert personas.of(agent("a")) is first
    assert personas.of(agent("a", "Anna", version=1)).name == "Anna"
    assert personas.of(agent("b")).id == "b"


def test_an_agent_that_was_made_again_is_another() -> None:
    personas = Personas()
    personas.of(agent("a"))
    assert personas.of(agent("a", "Anna", create_time=NOW + timedelta(days=1))).name == "Anna"


def test_those_that_were_used_longest_ago_are_forgotten() -> None:
    personas = Personas(limit=2)
    first, second = personas.of(agent("a")), personas.of(agent("b"))
    assert personas.of(agent("a")) is first
    personas.of(agent("c"))
    assert personas.of(agent("a")) is first
    assert personas.of(agent("b")) is not second
