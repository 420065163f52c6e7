"""Who may say where a memory comes from: it follows from who writes it, and never from what the memory says."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from services.memory.domain.memories import Memory, Provenance
from services.runtime import errors


class Writer(StrEnum):
    """Who writes, changes or deletes a memory."""

    OPERATOR = "operator"
    CHARACTER = "character"
    CLIENT = "client"


_WRITES: Mapping[Writer, frozenset[Provenance]] = {
    Writer.OPERATOR: frozenset(Provenance),
    Writer.CHARACTER: frozenset(Provenance) - {Provenance.OPERATOR},
    Writer.CLIENT: frozenset({Provenance.EXTERNAL}),
}


class ProvenanceDenied(errors.Forbidden):
    """Leave this provenance to those whose it is."""

    reason = "PERMISSION_DENIED"


def check_provenance(memories: Iterable[Memory], writer: Writer) -> None:
    """Raise ProvenanceDenied unless this writer may bring, change or delete memories of these provenances."""
    for memory in memories:
        if memory.provenance not in _WRITES[writer]:
            allowed = ", ".join(sorted(item.name for item in _WRITES[writer]))
            raise ProvenanceDenied(f"{writer} may not write {memory.provenance.name} memories, but {allowed}")
