"""What agents can do, as far as use cases ask for it."""

from collections.abc import Mapping
from typing import Protocol

from services.agents.domain.entities import AgentRecord
from services.agents.domain.persona import Persona
from services.agents.domain.schedule import Pauses
from services.agents.domain.tasks import ActionTask


class Abilities(Protocol):
    """What agents can do."""

    def pauses(self, agent: AgentRecord, persona: Persona) -> Mapping[str, Pauses]:
        """Return how often an agent does by itself what it has all for, by kinds."""
        ...

    def check_ready(self, agent: AgentRecord, task: ActionTask) -> None:
        """Raise the WrongState of what an agent lacks for a task."""
        ...
