"""Archives over gRPC: a message for each row, and all that a service has of an agent in one stream."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, TypeVar

from services.runtime.archive import ArchivedRow, Import
from services.runtime.checks import Checks
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.idempotency import RequestKey
from services.runtime.rpc import identity
from services.runtime.rpc.limits import check

FORMAT = 1
"""Which format the rows have; a change that an older version can't read makes it another one."""

_MAX_BYTES = 256 * 2**20
"""How much of an import is kept until all of it was checked."""

AnswerT = TypeVar("AnswerT")


async def exported(answer: type[AnswerT], rows: AsyncIterable[ArchivedRow]) -> AsyncIterator[AnswerT]:
    """Yield a message for each row."""
    async for row in rows:
        yield answer(format=FORMAT, kind=row.kind, row=row.row)  # type: ignore[call-arg]


async def read_import(requests: AsyncIterator[Any], method: str) -> Import:
    """Return what is to be imported by this RPC. Raises InvalidRequest, which names the message and the field."""
    rows: list[ArchivedRow] = []
    agent_id = request_id = sealing_key = ""
    body, total, number = hashlib.sha256(), 0, 0
    async for request in requests:
        number += 1
        check(request)
        if number == 1:
            agent_id, request_id = request.agent_id, request.request_id
            sealing_key = getattr(request, "sealing_key", "")
        _check(request, number, agent_id)
        written = f"{request.kind}\n{request.row}\n".encode()
        body.update(written)
        total += len(written)
        if total > _MAX_BYTES:
            raise InvalidRequest([Violation("row", f"must be at most {_MAX_BYTES:,} bytes in one import")])
        if request.kind:
            rows.append(ArchivedRow(request.kind, request.row))
    if not number:
        raise InvalidRequest([Violation("agent_id", "is required")])
    key = RequestKey(identity.name(), method, request_id, hashlib.sha256(agent_id.encode() + body.digest()).hexdigest())
    return Import(agent_id, rows, sealing_key, key)


def _check(request: Any, number: int, agent_id: str) -> None:
    where = f"(of message {number})"
    with Checks() as checks:
        if not agent_id:
            checks.refuse("agent_id", "is required")
        if request.agent_id not in ("", agent_id):
            checks.refuse(f"agent_id {where}", "must be that of the first message")
        if number == 1 and not request.format:
            checks.refuse("format", "is required")
        if request.format > FORMAT:
            checks.refuse(f"format {where}", f"must be at most {FORMAT}: a newer version has exported this")
        if not request.kind and (request.row or number > 1):
            checks.refuse(f"kind {where}", "is required")
