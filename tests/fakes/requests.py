"""Requests that fake units of work claim."""

from typing import TypeAlias

from services.runtime.errors import RequestIdReused
from services.runtime.idempotency import RequestKey

Requests: TypeAlias = dict[tuple[str, str], tuple[str, str]]
"""The fingerprint of each request, and the id that it was claimed with, by its method and request_id."""


class FakeClaims:
    """The part of a unit of work that is about requests."""

    def __init__(self, requests: Requests) -> None:
        """Take those that this unit of work sees, and adds to."""
        self._requests = requests

    async def claim(self, key: RequestKey, resource_id: str) -> str | None:
        if (first := await self.claimed(key)) is None and key.request_id:
            self._requests[key.method, key.request_id] = (key.fingerprint, resource_id)
        return first

    async def claimed(self, key: RequestKey) -> str | None:
        fingerprint, first = self._requests.get((key.method, key.request_id), ("", None))
        if first is not None and key.fingerprint and fingerprint != key.fingerprint:
            raise RequestIdReused(key.request_id)
        return first

    async def answer(self, key: RequestKey, resource_id: str) -> None:
        fingerprint, _ = self._requests[key.method, key.request_id]
        self._requests[key.method, key.request_id] = (fingerprint, resource_id)
