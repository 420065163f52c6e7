"""How fast memories are stored and found, how much the service holds in memory, and how soon it serves again."""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.calls import concurrent, echo, sequential
from benchmarks.memory.peers import Chroma, Like, Peer
from benchmarks.memory.service import BATCH, Service, serving
from benchmarks.memory.texts import Texts

_SEED = 20
_RESULTS = 10
_ROUNDS = 5
_LARGE = 100_000
_CHECKED = 20
_PEERS_SHARE = 10
"""Of the single creates, the peers carry out one in so many: raw Chroma takes 15 ms for each."""
_BETWEEN, _WHILE_INDEXING = 10, 500
_LOOK_SECONDS = 0.2
_UNDER_WAY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Target:
    """What the service has to reach: at most, or at least, this much."""

    value: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Tell whether a figure is good enough."""
        return value >= self.value if self.at_least else value <= self.value


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured: of the service, raw Chroma and the LIKE store, or of the service alone."""

    what: str
    values: Sequence[float | None]
    """None where there was nothing to measure."""
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """True when the service reached the target; None without a target."""
        value = self.values[0]
        return None if self.target is None or value is None else self.target.met(value)


@dataclass(frozen=True, slots=True)
class Shape:
    """How many agents there are, and how many memories each of them has."""

    agents: int
    memories: int

    @property
    def total(self) -> int:
        """The memories of all agents."""
        return self.agents * self.memories

    def __str__(self) -> str:
        return f"{self.memories:,} in one agent" if self.agents == 1 else f"{self.agents:,} agents x {self.memories:,}"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    alone: int
    """Creates one after the other in each round."""
    together: int
    """Creates of 32 callers in each round."""
    batches: int
    """Batches in each round."""
    searches: int
    """Searches in each round."""
    shapes: tuple[Shape, ...]


FULL = Size(100, 1_000, 4, 50, (Shape(1, 10_000), Shape(100, 1_000), Shape(1, 100_000)))
QUICK = Size(20, 200, 1, 10, (Shape(1, 1_000), Shape(20, 100), Shape(1, 5_000)))


class Store(Protocol):
    """What is measured: the service, or a peer that is called as an asyncio program has to call it."""

    async def create(self, agent_id: str, text: str) -> str:
        """Store one text and return its id."""
        ...

    async def add(self, agent_id: str, texts: Sequence[str]) -> list[str]:
        """Store texts at once and return their ids."""
        ...

    async def search(self, agent_id: str, query: str, limit: int) -> list[str]:
        """Return the ids of up to `limit` texts, best first."""
        ...


class _OffLoop:
    """A blocking peer, each call in a thread."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def create(self, agent_id: str, text: str) -> str:
        """Store one text and return its id."""
        [made] = await self.add(agent_id, [text])
        return made

    async def add(self, agent_id: str, texts: Sequence[str]) -> list[str]:
        """Store texts at once and return their ids."""
        return await asyncio.to_thread(self._peer.add, agent_id, texts)

    async def search(self, agent_id: str, query: str, limit: int) -> list[str]:
        """Return the ids of up to `limit` texts, best first."""
        return await asyncio.to_thread(self._peer.search, agent_id, query, limit)


def _peers(folder: Path) -> list[Store]:
    return [_OffLoop(Chroma(folder / "raw-chroma")), _OffLoop(Like(folder / "like.db"))]


async def measure_creates(size: Size) -> list[Figure]:
    """Store into empty stores, in turn and round by round, so that a change of the machine's speed hits all alike."""
    texts = Texts(_SEED)
    alone: list[list[float]] = [[], [], []]
    together: list[list[float]] = [[], [], []]
    batched: list[list[float]] = [[], [], []]
    echoes, echoed = [], []
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder)) as service, echo() as bare:
            stores = [service, *_peers(Path(folder))]
            for _ in range(_ROUNDS):
                echoes += await sequential(bare, size.alone)
                echoed.append(await concurrent(bare, size.together))
                for number, store in enumerate(stores):
                    one_by_one, at_once = (
                        count // _PEERS_SHARE if number else count for count in (size.alone, size.together)
                    )
                    alone[number] += await sequential(_creating(store, texts.memories(one_by_one)), one_by_one)
                    together[number].append(await concurrent(_creating(store, texts.memories(at_once)), at_once))
                    batched[number].append(await _load(store, {"a": texts.memories(size.batches * BATCH)}))
                    # What the service does later may not slow down the others.
                    await service.caught_up("a")
            found = await _found_at_once(service, texts.memories(_CHECKED))
    return [
        Figure("bare gRPC echo, p50 ms", _each_ms([echoes], 0.5)),
        Figure("bare gRPC echo, 32 callers, /s", [statistics.median(echoed)]),
        Figure("create, p50 ms", _each_ms(alone, 0.5), Target(4)),
        Figure("create, p95 ms", _each_ms(alone, 0.95)),
        Figure("create, 32 callers, /s", [*map(statistics.median, together)], Target(1_000, at_least=True)),
        Figure("create, in batches, /s", [*map(statistics.median, batched)], Target(5_000, at_least=True)),
        Figure("found right after, %", [100 * found], Target(100, at_least=True)),
    ]


async def measure_shape(shape: Shape, size: Size) -> list[Figure]:
    """Load a store of this shape, search it, and start it again: after a clean end, and after a kill amid a write."""
    texts = Texts(_SEED)
    memories = {f"agent-{number}": texts.memories(shape.memories) for number in range(shape.agents)}
    questions = _Questions(texts, memories)
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder)) as service:
            loaded = [await _load(service, memories)]
            behind, seconds = await _search_until_caught_up(service, questions)
            peers = _peers(Path(folder))
            loaded += [await _load(peer, memories) for peer in peers]
            taken = await _search_all([service, *peers], questions, size.searches)
            rss = service.rss_mb
        async with serving(Path(folder)) as service:
            clean, first = service.started_after, await sequential(questions.asking(service, 1), 1)
            writing = asyncio.ensure_future(service.add("agent-0", texts.memories(BATCH)))
            await asyncio.sleep(_UNDER_WAY_SECONDS)
            service.kill()
            writing.cancel()
        async with serving(Path(folder)) as service:
            killed, first_after_kill = service.started_after, await sequential(questions.asking(service, 1), 1)
    large = shape.total >= _LARGE
    started = Target(3) if large else None
    return [
        Figure("search, p50 ms", _each_ms(taken, 0.5), Target(15 if large and shape.agents == 1 else 5)),
        Figure("search, p95 ms", _each_ms(taken, 0.95)),
        Figure("while indexing, p50 ms", _each_ms([behind], 0.5)),
        Figure("while indexing, p95 ms", _each_ms([behind], 0.95)),
        Figure("load in batches, /s", loaded),
        Figure("indexed after, s", [seconds]),
        Figure("RSS, MB", [rss], Target(600) if large and shape.agents > 1 else None),
        Figure("start after clean end, s", [clean], started),
        Figure("first search after it, ms", _each_ms([first], 0.5)),
        Figure("start after kill, s", [killed], started),
        Figure("first search after it, ms", _each_ms([first_after_kill], 0.5)),
    ]


class _Questions:
    """Questions about what agents remember, never the same twice."""

    def __init__(self, texts: Texts, memories: dict[str, list[str]]) -> None:
        self._texts = texts
        self._memories = memories
        self._agents = itertools.cycle(memories)

    def asking(self, store: Store, times: int) -> Callable[[], Awaitable[object]]:
        """Return so many searches of one agent after the other; the questions are made before the first."""
        agents = list(itertools.islice(self._agents, times))
        ready = iter([(agent, self._texts.questions(1, self._memories[agent])[0]) for agent in agents])

        def ask() -> Awaitable[object]:
            agent_id, question = next(ready)
            return store.search(agent_id, question, _RESULTS)

        return ask


def _creating(store: Store, texts: Sequence[str]) -> Callable[[], Awaitable[object]]:
    left = iter(texts)
    return lambda: store.create("a", next(left))


async def _load(store: Store, memories: dict[str, list[str]]) -> float:
    """Store everything in batches; the value is how many a second."""
    started = time.perf_counter()
    for agent_id, texts in memories.items():
        for start in range(0, len(texts), BATCH):
            await store.add(agent_id, texts[start : start + BATCH])
    return sum(map(len, memories.values())) / (time.perf_counter() - started)


async def _search_until_caught_up(service: Service, questions: _Questions) -> tuple[list[float], float]:
    """Return what searches took while the index lacked something, and the seconds until it lacked nothing."""
    taken: list[float] = []
    started = time.perf_counter()
    while await service.is_catching_up("agent-0"):
        if len(taken) < _WHILE_INDEXING:
            taken += await sequential(questions.asking(service, _BETWEEN), _BETWEEN)
        else:
            await asyncio.sleep(_LOOK_SECONDS)
    return taken, time.perf_counter() - started


async def _search_all(stores: Sequence[Store], questions: _Questions, times: int) -> list[list[float]]:
    taken: list[list[float]] = [[] for _ in stores]
    for number in range(_ROUNDS + 1):
        for seconds, store in zip(taken, stores, strict=True):
            measured = await sequential(questions.asking(store, times), times)
            # The first round is there to get warm.
            seconds += measured if number else []
    return taken


async def _found_at_once(service: Service, texts: Sequence[str]) -> float:
    """Return the share of texts that a search by their words finds right after they are stored."""
    found = 0
    for text in texts:
        made = await service.create("a", text)
        found += made in await service.search("a", text, _RESULTS)
    return found / len(texts)


def _each_ms(taken: Iterable[Sequence[float]], share: float) -> list[float | None]:
    """Return for each the milliseconds that this share of its calls took at most, or None when it had no call."""
    return [sorted(each)[int(share * (len(each) - 1))] * 1000 if each else None for each in taken]
