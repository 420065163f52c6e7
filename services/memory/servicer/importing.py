"""Reading an import: all of it is checked before the first memory is stored."""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.domain.memories import VersionedMemory
from services.memory.wire.memories import read_imported
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.idempotency import RequestKey
from services.runtime.rpc import identity

_MAX, _MAX_BYTES = 100_000, 256 * 2**20
"""How much of an import is kept until all of it was checked."""


@dataclass(frozen=True, slots=True)
class Import:
    """The memories of an import, in their order, and the key of the whole."""

    memories: list[VersionedMemory]
    key: RequestKey


async def read_import(requests: AsyncIterator[pb.ImportMemoriesRequest], now: datetime) -> Import:
    """Return what is to be imported. Raises InvalidRequest, which names the message and the field."""
    memories: list[VersionedMemory] = []
    body = hashlib.sha256()
    agent_id = request_id = ""
    is_for_one, total, number = True, 0, 0
    async for request in requests:
        if not memories:
            is_for_one = bool(request.agent_id)
            agent_id, request_id = request.agent_id or request.memory.agent_id, request.request_id
        number += 1
        with _naming_message(number):
            given = read_imported(request, agent_id, now, is_for_one=is_for_one)
        if request.memory.id and memories and (whole := memories[-1].continued(given)):
            memories[-1] = whole
        else:
            memories.append(given)
        written = request.SerializeToString(deterministic=True)
        body.update(written)
        total += len(written)
        if total > _MAX_BYTES:
            raise InvalidRequest([Violation("memory", f"must be at most {_MAX_BYTES:,} bytes in one import")])
        if number > _MAX:
            raise InvalidRequest([Violation("memory", f"must be in at most {_MAX:,} messages of one import")])
    if not memories:
        raise InvalidRequest([Violation("memory", "is required")])
    key = RequestKey(identity.name(), "puppet.memory.v1.ImportMemories", request_id, body.hexdigest())
    return Import(memories, key)


@contextlib.contextmanager
def _naming_message(number: int) -> Iterator[None]:
    """Say of which message of the stream a violation is."""
    try:
        yield
    except InvalidRequest as invalid:
        problems = [Violation(f"{item.field} (of message {number})", item.description) for item in invalid.violations]
        raise InvalidRequest(problems) from invalid
