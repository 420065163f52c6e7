"""Reading an import: all of it is checked before the first memory is stored."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.domain.memories import Remembered
from services.memory.wire.memories import check_agent, read_imported
from services.runtime.checks import Checks
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.idempotency import RequestKey
from services.runtime.rpc import identity

_MOST, _MOST_BYTES = 100_000, 256 * 2**20
"""How much of an import is kept until all of it was checked."""


@dataclass(frozen=True, slots=True)
class Import:
    """The memories of an import, in their order, and the key of the whole."""

    memories: list[Remembered]
    key: RequestKey


async def read_import(requests: AsyncIterator[pb.ImportMemoriesRequest], now: datetime) -> Import:
    """Return what is to be imported. Raises InvalidRequest, which names the message and the field."""
    memories: list[Remembered] = []
    body = hashlib.sha256()
    agent_id = request_id = ""
    total = messages = 0
    async for request in requests:
        if not memories:
            agent_id, request_id = request.agent_id, request.request_id
            with Checks() as checks:
                check_agent(checks, agent_id)
                checks.request_id(request_id)
        messages += 1
        given = read_imported(request, agent_id, messages, now)
        if request.memory.id and memories and (whole := memories[-1].continued(given)):
            memories[-1] = whole
        else:
            memories.append(given)
        written = request.SerializeToString(deterministic=True)
        body.update(written)
        total += len(written)
        if total > _MOST_BYTES:
            raise InvalidRequest([Violation("memory", f"must be at most {_MOST_BYTES:,} bytes in one import")])
        if messages > _MOST:
            raise InvalidRequest([Violation("memory", f"must be in at most {_MOST:,} messages of one import")])
    if not memories:
        raise InvalidRequest([Violation("memory", "is required")])
    key = RequestKey(identity.name(), "puppet.memory.v1.ImportMemories", request_id, body.hexdigest())
    return Import(memories, key)
