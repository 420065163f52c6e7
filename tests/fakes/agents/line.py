"""What connects to a fake service, and may fail."""

from services.agents.domain.errors import DependencyUnavailable


class Line:
    """What connects to a fake; each call that goes through it may fail."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.failures = 0
        self.calls = 0

    def pass_through(self) -> None:
        """Count a call, or fail it while failures are left."""
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise DependencyUnavailable(self._name, 0.01)
