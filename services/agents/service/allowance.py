"""What strangers may cost of the model: so many calls a day, and so many replies at once."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator

from services.agents.domain.tasks import Heard
from services.agents.ports.store import Records, Store
from services.agents.service.cast import Cast
from services.runtime.idempotency import RequestKey
from services.runtime.telemetry import Counter

BUDGET = Counter("puppet.budget.calls", "{call}", "Calls of the model for strangers, against the day's allowance.")


class Allowance:
    """Counts the model's calls for replies to strangers, and has them wait for one another.

    A call is counted before it is made, once for its name: a step that runs twice makes the same calls.
    """

    def __init__(self, store: Store, cast: Cast, calls_a_day: int, at_once: int) -> None:
        """Take how many calls a day of an agent's own time there are, and how many replies are written at once."""
        self._store = store
        self._cast = cast
        self._calls_a_day = calls_a_day
        self._turns = Turns(at_once)

    @contextlib.asynccontextmanager
    async def turn(self, agent_id: str, heard: Heard) -> AsyncIterator[None]:
        """Wait until a stranger's reply may be written: the model is to be free for what agents say by themselves."""
        async with contextlib.nullcontext() if heard.is_fellow else self._turns.of(agent_id):
            yield

    async def begin(self, records: Records, agent_id: str) -> bool:
        """Count the first call of a reply, within the transaction that counts the reply; False when none is left."""
        scope = calls_of(self._cast.day())
        is_left = await records.count(agent_id, scope, "", self._calls_a_day, self._cast.now())
        BUDGET.add(outcome="counted" if is_left else "refused")
        return is_left

    async def take(self, agent_id: str, call_id: str) -> bool:
        """Count another call; False when none is left."""
        async with self._store.writing(turn_of(agent_id)) as records:
            if await records.claim(RequestKey("", "ModelCall", call_id, ""), agent_id) is None:
                if not await self.begin(records, agent_id):
                    return False
                await records.commit()
        return True


class Turns:
    """So many at once, and those who wait get their turn agent by agent: nobody's crowd is before another's first."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def of(self, agent_id: str) -> AsyncIterator[None]:
        """Wait for a turn of this agent, and have it until the block ends."""
        if self._free:
            self._free -= 1
        else:
            mine = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(agent_id, deque()).append(mine)
            try:
                await mine
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self._next()
                raise
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        while self._waiting:
            agent_id, waiting = self._waiting.popitem(last=False)
            mine = waiting.popleft()
            if waiting:
                self._waiting[agent_id] = waiting
            if not mine.done():
                mine.set_result(None)
                return
        self._free += 1


class Calls:
    """The model's calls of one reply: for a stranger the first is counted with the reply, and each other one here."""

    def __init__(self, allowance: Allowance, agent_id: str, workflow_id: str, heard: Heard) -> None:
        self._allowance = allowance
        self._agent_id = agent_id
        self._workflow_id = workflow_id
        self._are_free = heard.is_fellow
        self._made = 0

    async def take(self) -> bool:
        """Count a call; False when none is left."""
        self._made += 1
        if self._are_free or self._made == 1:
            return True
        return await self._allowance.take(self._agent_id, f"{self._workflow_id}/{self._made}")


def replies_of(day: int) -> str:
    """Return the scope in which a day's replies are counted."""
    return f"day/{day}"


def calls_of(day: int) -> str:
    """Return the scope in which a day's calls of the model are counted."""
    return f"calls/{day}"


def turn_of(agent_id: str) -> str:
    """Return the turn in which an agent's replies and their calls are counted."""
    return f"replies/{agent_id}"
