"""Health by name, as `grpc.health.v1` has it: of the whole, of each service that is served, and of what it calls.

Nobody has to say who they are for it.
"""

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from services.runtime import errors
from services.runtime.rpc import status
from services.runtime.version import suite_version
from services.runtime.waiting import Signal

Context = grpc.aio.ServicerContext[Any, Any]
_STATUS = health_pb2.HealthCheckResponse

VERSION_KEY = "puppet-version"

DOMAIN = "health.puppet"
"""Whose reasons they are that its errors carry."""


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """What a process says of itself, and of what it needs; it answers `Check` and `Watch`."""

    def __init__(self, most_watchers: int = 256) -> None:
        self._serves: dict[str, bool] = {}
        self._free = most_watchers
        self._changed = Signal()
        self._is_stopping = False

    def tell(self, names: Iterable[str], *, serves: bool) -> None:
        """Say of these whether they serve; the empty name stands for the whole process."""
        self._serves |= dict.fromkeys(names, serves)
        self._changed.notify()

    def stop(self) -> None:
        """Say of everything that it doesn't serve, and end what watches."""
        self._is_stopping = True
        self._changed.notify()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:  # noqa: N802
        """Tell how a name is. An unknown one is NOT_FOUND."""
        if request.service not in self._serves:
            await context.abort(grpc.StatusCode.NOT_FOUND)
        # In a trailer, since the protocol has no field for it: `puppetctl doctor` compares it with its own.
        context.set_trailing_metadata(((VERSION_KEY, suite_version()),))
        return self._answer(request.service)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Tell how a name is, and again when that has changed. Ends with UNAVAILABLE when the server stops."""
        try:
            with self._admission():
                last = None
                while True:
                    version, answer = self._changed.version, self._answer(request.service)
                    if answer.status != last:
                        yield answer
                        last = answer.status
                    if self._is_stopping:
                        raise errors.Stopping
                    await self._changed.wait(version)
        except errors.PuppetError as error:
            await context.abort_with_status(rpc_status.to_status(status.to_status(error, DOMAIN)))

    def _answer(self, name: str) -> health_pb2.HealthCheckResponse:
        if name not in self._serves:
            return _STATUS(status=_STATUS.SERVICE_UNKNOWN)
        serves = self._serves[name] and not self._is_stopping
        return _STATUS(status=_STATUS.SERVING if serves else _STATUS.NOT_SERVING)

    @contextlib.contextmanager
    def _admission(self) -> Iterator[None]:
        if self._free <= 0:
            raise errors.Unavailable("too many watch at once")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


class ChecksOnly(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Check and no Watch, for a port that everybody reaches."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:  # noqa: N802
        """Tell how a name is."""
        return await self._health.Check(request, context)
