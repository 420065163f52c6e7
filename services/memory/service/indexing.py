"""The vector index: kept up with the store, compared with it at start, and built anew while searches go on.

The store is the truth. Where every agent is small nobody searches the index. It rests then, unopened, and its changes
wait in the store.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

from services.memory.domain.vectors import Comparison, IndexDown, IndexState, IndexStatus, Place, Vector
from services.memory.ports.embedder import Embedder, Embedders
from services.memory.ports.index import Index, Recent
from services.memory.ports.store import Store
from services.memory.service.building import Building
from services.memory.service.builds import Builds
from services.memory.service.changes import Changes
from services.memory.service.comparing import compare
from services.memory.service.exact import ExactSearch
from services.runtime import telemetry
from services.runtime.idempotency import RequestKey
from services.runtime.telemetry import Gauge

log = logging.getLogger(__name__)

PENDING = Gauge("puppet.memory.index.pending", "{memory}", "How many changes the vector index doesn't have yet.")
_RETRY_SECONDS = 3.0


class Indexing:
    """Keeps one build of the index in step with the store, and replaces it when it has to."""

    def __init__(
        self,
        store: Store,
        index: Index,
        recent: Recent,
        exact: ExactSearch,
        embedders: Embedders,
        embedder: Embedder,
        *,
        may_rest: bool = True,
    ) -> None:
        """Take the parts, the model whose vectors the index is to hold, and whether it opens only when it's needed."""
        self._store = store
        self._exact = exact
        self._embedders = embedders
        self._builds = Builds(embedder)
        self._changes = Changes(store, recent, exact, self._builds)
        self._building = Building(store, index, exact, self._builds, self._changes)
        self._is_replacing = self._is_down = self._stale = False
        self._may_rest = may_rest and exact.limit > 0
        self._asked: list[asyncio.Future[None]] = []

    @property
    def embedder(self) -> Embedder:
        """The model of what is written and looked for now."""
        return self._builds.embedder

    async def prepare(self) -> None:
        """Find out which build serves; an agent whose words were never indexed gets them."""
        builds = self._builds
        async with self._store.writing() as records:
            for agent_id in await records.agents_without_words():
                await records.scrub(agent_id)
            builds.build = await records.build()
            if builds.build is None and self._may_rest and not await records.memory_count():
                # An index of nothing needs no building; what comes to be stored are changes to it.
                builds.build = await records.begin_build(builds.wanted.model)
                await records.serve_build(builds.build)
            self._stale = builds.build is None or await records.has_unfinished_build()
            changes = await records.changes(await records.change_count())
            builds.is_idle = self._may_rest and not await records.has_large_agent(self._exact.limit)
            await records.commit()
        self._changes.found(changes)
        if builds.build and builds.build.model != builds.wanted.model:
            self._stale = True
            builds.embedder = await self._embedders.open(builds.build.model) or builds.wanted
        builds.is_idle = builds.is_idle and not self._stale and len(changes) <= self._exact.limit
        self._exact.use(builds.embedder.model)

    async def run(self) -> None:
        """Open the index, mend it or build it anew, and carry changes over, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._forever(self._attend))
                tasks.create_task(self._forever(self._keep_up))
        finally:
            await self._builds.close()

    def changed(self, vectors: Sequence[Vector] = (), gone: Sequence[Place] = ()) -> None:
        """Say that the store has changes: which vectors are new, and whose memories were forgotten."""
        self._changes.told(vectors, gone)

    @contextlib.contextmanager
    def invalidated_on_cancel(self, agent_id: str) -> Iterator[None]:
        """Load the vectors of an agent, or all, anew when a caller goes away in a write that may have been made."""
        try:
            yield
        except asyncio.CancelledError:
            self.forgotten(agent_id)
            raise

    def forgotten(self, agent_id: str) -> None:
        """Say that many memories of an agent, or of any when it is empty, were forgotten."""
        self._changes.told_of_many(agent_id)

    async def reindex(self, key: RequestKey) -> None:
        """Have the index built anew, once for every request; it is not waited for."""
        async with self._store.writing() as records:
            if await records.claim(key, "reindex"):
                return
            if begins := not self._is_replacing:
                # An unfinished build: if the service ends before this one is done, its next start does it.
                await records.begin_build(self._builds.wanted.model)
            await records.commit()
        if begins:
            self._stale = True
            self._builds.wake()

    async def rebuild(self) -> None:
        """Build the index anew, from what the store holds now on, and wait for it. Raises IndexDown."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.append(done)
        self._builds.wake()
        await done

    async def nearest(self, agent_id: str, vector: bytes, model: str, limit: int) -> list[int] | None:
        """Return the numbers of memories near a vector, of this agent and of others; None when there is no index yet.

        Fewer than `limit` means that there are no more.
        """
        builds = self._builds
        if builds.is_idle:
            builds.wake()
        if builds.serving is None or builds.build is None or builds.build.model != model:
            return None
        serving = builds.serving
        try:
            indexed = await serving.nearest(agent_id, vector, limit)
        except IndexDown as error:
            await builds.lose(serving, error)
            return None
        recent = await self._changes.nearest(agent_id, vector, limit)
        return list({*indexed, *recent}) if recent else indexed

    async def status(self) -> IndexStatus:
        """Return how far the index is."""
        async with self._store.reading() as records:
            pending = await records.change_count()
        builds = self._builds
        if self._is_replacing or (builds.serving is not None and (self._stale or self._asked)):
            state = IndexState.BUILDING
        elif builds.serving is not None:
            state = IndexState.READY
        elif self._is_down:
            state = IndexState.DOWN
        else:
            state = IndexState.IDLE if builds.is_idle else IndexState.OPENING
        build = builds.build
        return IndexStatus(
            state=state,
            generation=build.number if build else 0,
            model=build.model if build else builds.wanted.model,
            built=self._building.built,
            total=self._building.total,
            pending=pending,
        )

    async def verify(self) -> Comparison:
        """Compare every vector with the store, but for changes that are on their way. Raises IndexDown."""
        builds = self._builds
        if builds.is_idle:
            builds.wake()
            await builds.attended.wait()
            await self._carry_over()
        async with builds.moving:
            if builds.serving is None or builds.build is None:
                raise IndexDown("the index is not open yet", retry_after=_RETRY_SECONDS)
            model, serving = builds.build.model, builds.serving
            try:
                found = await compare(self._store, serving, model, None)
            except IndexDown as error:
                await builds.lose(serving, error)
                raise IndexDown("the index could not be read") from error
        return found.comparison

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
                self._is_down = False
            except IndexDown as error:
                self._is_down = True
                self._builds.attended.set()
                log.warning("index down", extra={"problem": error.problem})
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                self._builds.attended.set()
                log.exception("indexing failed")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _attend(self) -> None:
        """Open the index, or build it anew, whenever that is needed."""
        builds = self._builds
        builds.needed.clear()
        if builds.is_idle and builds.build is not None:
            # As after opening: of what was purged nothing may be left in a build before.
            await self._building.drop_others(builds.build)
        else:
            if builds.serving is None and builds.build is not None:
                await self._building.open(builds.build)
            if builds.serving is None or self._stale or self._asked:
                await self._replace()
            builds.attended.set()
        await builds.needed.wait()

    async def _replace(self) -> None:
        """Build the index anew, and tell those who wait for it."""
        asked, self._asked = self._asked, []
        self._is_replacing, self._stale, is_done = True, False, False
        try:
            await self._building.build_anew()
            is_done = True
        finally:
            self._is_replacing, self._stale = False, self._stale or not is_done
            for done in asked:
                if done.done():
                    continue
                if is_done:
                    done.set_result(None)
                else:
                    done.set_exception(IndexDown("the index could not be built"))

    async def _keep_up(self) -> None:
        """Carry changes over, and open an index that rests when there are many."""
        await self._changes.quiet()
        await self._carry_over()
        if self._builds.is_idle or telemetry.is_exported():
            async with self._store.reading() as records:
                pending = await records.change_count()
            PENDING.set(pending)
            if self._builds.is_idle and pending > self._exact.limit:
                self._builds.wake()

    async def _carry_over(self) -> None:
        """Tell the index of all changes."""
        while changes := await self._changes.carry_over():
            serving, is_one_gone = self._builds.serving, any(change.data is None for change in changes)
            if is_one_gone and self._building.is_switched and serving is not None:
                # A write that had begun before the model was changed may have come with a vector of the old one only.
                await self._building.embed(serving)
                await self._building.drop_other_models(self._builds.wanted.model)
