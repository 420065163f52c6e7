"""Work beside the calls."""

import asyncio

from services.runtime.background import detached
from services.runtime.logs import trace_id
from services.runtime.rpc import identity
from services.runtime.rpc.boundary import deadline


async def test_what_outlasts_a_call_has_neither_its_deadline_nor_its_rights_and_keeps_its_trace() -> None:
    principal = identity.Principal("dashboard", identity.Kind.CLIENT)
    deadline.set(asyncio.get_running_loop().time() + 1)
    identity.act_as(identity.Caller(principal, principal))
    trace_id.set("a" * 32)

    async def look() -> tuple[float | None, str, str]:
        return deadline.get(), identity.name(), trace_id.get()

    assert await detached(look()) == (None, "", "a" * 32)
    # The call itself goes on as it was.
    assert deadline.get() is not None
    assert identity.name() == "dashboard"
