"""How often agents look for something, and when they sleep: what is asked at every look, without reading a persona."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.agents.behaviours import Registry
from services.agents.domain.persona import Behavior
from services.agents.domain.schedule import Pauses
from services.agents.ports.store import Records, Stamp
from services.agents.service import Cast

_MAX = 50_000
"""How many are kept at hand, of about a kilobyte each; which were used longest ago go first."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often an agent does something of a kind, and what else says when."""

    pauses: Pauses
    behavior: Behavior


class Rhythms:
    """Knows the rhythms of agents, each as of the agent's current state."""

    def __init__(self, cast: Cast, behaviours: Registry) -> None:
        self._cast = cast
        self._behaviours = behaviours
        self._known: OrderedDict[tuple[str, str], tuple[Stamp, Rhythm | None]] = OrderedDict()

    async def of(self, records: Records, kind: str, agent_ids: Sequence[str]) -> Mapping[str, Rhythm]:
        """Return the rhythms of those of these agents that do something of this kind, by their ids."""
        stamps = await records.stamps(agent_ids)
        old = [one for one, stamp in stamps.items() if self._known.get((one, kind), (None, None))[0] != stamp]
        for record in await records.agents_of(old) if old else ():
            persona = self._cast.persona(record)
            pauses = self._behaviours.pauses(record, persona).get(kind)
            rhythm = None if pauses is None else Rhythm(pauses, persona.behavior)
            self._known[record.id, kind] = ((record.create_time, record.version), rhythm)
        found = {}
        for agent_id in stamps:
            if (agent_id, kind) in self._known:
                self._known.move_to_end((agent_id, kind))
                if (rhythm := self._known[agent_id, kind][1]) is not None:
                    found[agent_id] = rhythm
        while len(self._known) > _MAX:
            self._known.popitem(last=False)
        return found
