"""Planning what is to be done once, as soon as it may be."""

from services.agents.domain.entities import ScheduleEntry
from services.agents.domain.tasks import ActTask
from services.agents.ports.store import Store
from services.agents.service.cast import Cast


class Planner:
    """Puts tasks on the schedule."""

    def __init__(self, store: Store, cast: Cast) -> None:
        self._store = store
        self._cast = cast

    async def once(self, task: ActTask, key: str) -> None:
        """Plan a task for now; the same key makes the same workflow, whenever it is planned."""
        entry = ScheduleEntry(agent_id=task.agent_id, kind=task.kind, key=key, due_time=self._cast.now(), task=task)
        async with self._store.writing() as records:
            await records.plan(entry)
            await records.commit()
