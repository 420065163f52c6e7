"""What agents do, each thing in a file of its own; every file here with a `build` is one behaviour."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence

from services.agents.behaviours.base import AnyBehaviour, Behaviour, Parts
from services.agents.domain.entities import AgentRecord
from services.agents.domain.persona import Persona
from services.agents.domain.previews import Preview, Wanted
from services.agents.domain.proposals import Proposal
from services.agents.domain.records import Objection
from services.agents.domain.schedule import Pauses
from services.agents.domain.tasks import ActionTask, ActTask
from services.runtime.errors import InvalidRequest, Violation, quoted

__all__ = ["AnyBehaviour", "Behaviour", "Parts", "Registry"]


_GONE = Objection("GONE", "what proposed this isn't there any more")


class Registry:
    """The behaviours, by their kinds and by their tasks."""

    def __init__(self, behaviours: Sequence[AnyBehaviour]) -> None:
        self._by_kind = {behaviour.kind: behaviour for behaviour in behaviours}
        self._by_task = {one.task_type: one for one in behaviours if one.task_type is not ActTask}

    @classmethod
    def of(cls, parts: Parts) -> "Registry":
        """Return all behaviours of this folder."""
        modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
        return cls([module.build(parts) for module in modules if hasattr(module, "build")])

    def __iter__(self) -> Iterator[AnyBehaviour]:
        return iter(self._by_kind.values())

    def get(self, kind: str) -> AnyBehaviour | None:
        """Return the behaviour of a kind; None when there is none any more."""
        return self._by_kind.get(kind)

    def pauses(self, agent: AgentRecord, persona: Persona) -> Mapping[str, Pauses]:
        """Return how often an agent does by itself what it has all for, by kinds."""
        found = {behaviour.kind: behaviour.due(persona) for behaviour in self if behaviour.is_ready(agent)}
        return {kind: pauses for kind, pauses in found.items() if pauses is not None}

    def check_ready(self, agent: AgentRecord, task: ActionTask) -> None:
        """Raise the WrongState of what an agent lacks for a task."""
        self.of_task(task).check_ready(agent)

    async def preview(self, agent: AgentRecord, kind: str, name: str, wanted: Wanted) -> Preview:
        """Return what a behaviour would ask a model now.

        Raises InvalidRequest when it asks none, and the WrongState of what the agent lacks.
        """
        behaviour = self._by_kind.get(kind)
        if behaviour is not None and behaviour.asks_model:
            behaviour.check_ready(agent)
            if (preview := await behaviour.preview(name, wanted)) is not None:
                return preview
        raise InvalidRequest([Violation("behaviour", f"{quoted(kind)} asks no model")])

    async def objections(self, kind: str, proposal: Proposal, text: str) -> tuple[Objection, ...]:
        """Return why a text may not be published in place of a proposal's."""
        behaviour = self._by_kind.get(kind)
        return (_GONE,) if behaviour is None else await behaviour.objections(proposal, text)

    def of_task(self, task: ActionTask) -> AnyBehaviour:
        """Return the behaviour of which a task is. Raises LookupError when there is none any more."""
        return self._by_kind[task.kind] if isinstance(task, ActTask) else self._by_task[type(task)]
