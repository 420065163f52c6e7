"""Whether an agent may still act, asked right before something is sent into the world."""

from collections.abc import Callable

from services.agents.domain.entities import AgentRecord
from services.agents.domain.errors import AgentNotFound
from services.agents.ports.store import Store
from services.agents.service.journal import TURN
from services.runtime.idempotency import RequestKey


class Effects:
    """Lets effects begin."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def begin(self, agent_id: str, workflow_id: str, may: Callable[[AgentRecord], bool]) -> AgentRecord | None:
        """Return the agent as it is now; None when it may not, and nothing of this workflow was sent before.

        What has begun comes to its end, whatever has changed since: it may be out already, and what the log says didn't
        happen must not have happened. Of an agent that isn't active any more what can be is to be taken back. Raises
        AgentNotFound.
        """
        async with self._store.writing(TURN) as records:
            agent = await records.agent(agent_id)
            if agent is None:
                raise AgentNotFound(agent_id)
            is_first = await records.claim(RequestKey("", "Effect", workflow_id, ""), agent_id) is None
            if is_first and not (agent.is_active and may(agent)):
                return None
            await records.commit()
        return agent
