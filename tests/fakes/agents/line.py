"""What connects to a fake service, and may fail."""

from google.protobuf.message import Message

from services.agents.domain.errors import DependencyUnavailable
from services.agents.ports.neighbours import Refused
from services.runtime.errors import InvalidRequest
from services.runtime.rpc.boundary import deadline
from services.runtime.rpc.limits import check


class Line:
    """What connects to a fake; each call that goes through it may fail."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.failures = 0
        self.calls = 0
        self.deadline: float | None = None
        """When the call had to be done within which the last one was made; None when it was made within none."""

    def pass_through(self) -> None:
        """Count a call, or fail it while failures are left."""
        self.calls += 1
        self.deadline = deadline.get()
        if self.failures:
            self.failures -= 1
            raise DependencyUnavailable(self._name, 0.01)

    def checked(self, request: Message) -> None:
        """Refuse a request that breaks its contract, as the service does."""
        try:
            check(request)
        except InvalidRequest as error:
            raise Refused(self._name, error.reason, str(error)) from error
