"""What a memory was before an update, as JSON: the fields that an update may set."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.memory.domain.memories import Memory, MemoryKind

_KEPT = ("text", "importance", "valence", "subject", "version")
_TIMES = ("occur_time", "update_time", "expire_time")


def write_state(memory: Memory) -> dict[str, Any]:
    """Return a state as JSON."""
    times = {name: getattr(memory, name) for name in _TIMES}
    return {
        **{name: getattr(memory, name) for name in _KEPT},
        **{name: time and time.isoformat() for name, time in times.items()},
        "kind": memory.kind.value,
        "attributes": dict(memory.attributes),
    }


def read_state(memory: Memory, state: Mapping[str, Any]) -> Memory:
    """Return what a memory was in a state."""
    values: dict[str, Any] = {name: state[name] for name in _KEPT}
    values |= {name: state[name] and datetime.fromisoformat(state[name]) for name in _TIMES}
    return memory._replace(**values, kind=MemoryKind(state["kind"]), attributes=state["attributes"], access_count=0)
