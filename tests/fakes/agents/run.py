"""A workflow without anything durable: steps are done at once, and pauses pass in no time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.agents.domain.tasks import Task
from services.agents.ports.neighbours import Refused
from services.agents.ports.workflows import StepFailed
from services.runtime.errors import PuppetError

T = TypeVar("T")


class FakeRun:
    """Does steps, and notes them; an error of the suite's fails its step, as it does on DBOS when patience is over."""

    def __init__(self, workflow_id: str = "post/wren/1") -> None:
        self._id = workflow_id
        self.steps: list[str] = []
        self.kept: list[str] = []
        """The steps whose outcome a replay would find; repeated ones are among them."""
        self.slept = 0.0
        """Seconds, of which none has passed."""
        self.started: dict[str, Task] = {}

    @property
    def id(self) -> str:
        return self._id

    async def step(
        self,
        name: str,
        action: Callable[[], Awaitable[T]],
        patience_seconds: float | None = None,
        *,
        may_repeat: Callable[[T], bool] | None = None,
    ) -> T:
        self.steps.append(name)
        try:
            outcome = await action()
        except PuppetError as error:
            reason = error.reason if isinstance(error, Refused) else type(error).reason
            raise StepFailed(reason, error.message) from None
        if may_repeat is None or not may_repeat(outcome):
            self.kept.append(name)
        return outcome

    async def repeat(self, name: str, action: Callable[[], Awaitable[None]]) -> None:
        await self.step(name, action)

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds

    async def start(self, workflow_id: str, task: Task) -> None:
        self.started.setdefault(workflow_id, task)
