"""Calls that must be refused."""

from collections.abc import Awaitable

import grpc
import pytest

from services.runtime.rpc.status import Remote


async def refusal(call: Awaitable[object]) -> Remote:
    """Return what a call was refused with; one that isn't refused fails the test."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return Remote(refused.value)


async def reason_of(call: Awaitable[object]) -> str:
    """Return the reason that a call was refused with."""
    return (await refusal(call)).reason


async def fields_of(call: Awaitable[object]) -> set[str]:
    """Return the fields that a call was refused for."""
    return {violation.field for violation in (await refusal(call)).violations}
