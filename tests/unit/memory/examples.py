"""Memories to test with."""

from datetime import UTC, datetime
from typing import Any

from services.memory.domain.memories import Memory, MemoryKind, Provenance

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def memory(text: str = "a red kite", **fields: Any) -> Memory:
    """Return a memory of agent `agt_a`."""
    given: dict[str, Any] = {
        "id": "mem_1",
        "agent_id": "agt_a",
        "text": text,
        "kind": MemoryKind.GENERAL,
        "provenance": Provenance.SELF,
        "importance": 0.5,
        "valence": 0.0,
        "author": "",
        "source_id": "",
        "subject": "",
        "conversation_id": "",
        "attributes": {},
        "occur_time": NOW,
        "create_time": NOW,
        "update_time": NOW,
    }
    return Memory(**given | fields)
