"""What every call to another service has in common: its errors."""

import contextlib
from collections.abc import Iterator

import grpc

from services.agents.domain.errors import DependencyUnavailable
from services.agents.ports.neighbours import Refused
from services.runtime.rpc.status import Remote

_CAUSES = {
    grpc.StatusCode.DEADLINE_EXCEEDED: "did not answer in time",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "is busy, or its own limit is reached",
}

_LASTING = frozenset({"BUDGET_EXHAUSTED", "REPLY_SHARE_USED_UP", "USAGE_CAPPED", "CREDITS_USED_UP"})
"""Limits that last longer than anybody would wait."""


@contextlib.contextmanager
def calling(dependency: str) -> Iterator[None]:
    """Turn the status of a call within the block into DependencyUnavailable or Refused."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        remote = Remote(error)
        # CANCELLED is the other side's doing: a caller that gives up gets CancelledError.
        is_transient = remote.is_transient and remote.reason not in _LASTING
        if is_transient or remote.code is grpc.StatusCode.CANCELLED:
            # A service that is there says itself what keeps it: a provider's quota, a time-out, a server that is down.
            cause = f"can't now: {remote.message}" if remote.reason else _CAUSES.get(remote.code, "is not available")
            raise DependencyUnavailable(dependency, remote.retry_after or 1.0, cause, remote.reason) from error
        reason = remote.reason or remote.code.name
        told, after = f"{reason}: {remote.message}", remote.retry_after or 0.0
        raise Refused(dependency, reason, told, remote.violations, after) from error
