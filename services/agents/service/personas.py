"""The personas of agents, each read once for every version of it."""

from collections import OrderedDict
from datetime import datetime

from services.agents.domain.entities import AgentRecord
from services.agents.domain.persona import Persona, read_kept

_MAX = 1_000
"""How many are kept at hand, of some ten kilobytes each; which were used longest ago go first."""


class Personas:
    """Reads personas, and keeps those that were used of late."""

    def __init__(self, limit: int = _MAX) -> None:
        """Take how many are kept at hand."""
        self._limit = limit
        self._read: OrderedDict[str, tuple[tuple[datetime, int], Persona]] = OrderedDict()

    def of(self, agent: AgentRecord) -> Persona:
        """Return the persona of an agent as it is in this record."""
        # An agent that was deleted and made again counts its versions anew.
        version = (agent.create_time, agent.version)
        known = self._read.get(agent.id)
        if known is None or known[0] != version:
            known = self._read[agent.id] = (version, read_kept(agent.persona))
            if len(self._read) > self._limit:
                self._read.popitem(last=False)
        self._read.move_to_end(agent.id)
        return known[1]
