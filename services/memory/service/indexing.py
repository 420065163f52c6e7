"""The vector index: kept up with the store, compared with it at start, and built anew while searches go on.

The store is the truth. Where every agent is small nobody searches the index. It rests then, unopened, and its changes
wait in the store. Another model is changed to once its vectors are complete; until then one searches with that before.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

from services.memory.domain.vectors import Comparison, IndexDown, IndexState, IndexStatus, Place, Text, Vector
from services.memory.ports.embedder import Embedder, Embedders
from services.memory.ports.index import Index, Recent
from services.memory.ports.store import Store
from services.memory.service.backlog import Alone, Backlog
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
        alone: Alone = lambda: contextlib.nullcontext(True),
    ) -> None:
        """Take the parts, the model whose vectors the index is to hold, and whether it opens only when it's needed.

        `alone` is open while vectors are made later: only one process does that at a time.
        """
        self._store = store
        self._exact = exact
        self._embedders = embedders
        self._builds = Builds(embedder)
        self._changes = Changes(store, recent, exact, self._builds)
        self._building = Building(store, index, exact, self._builds, self._changes)
        self._alone = alone
        self._backlog = Backlog(store, embedder, self._keep, alone)
        self._before: Backlog | None = None
        """What the model lacks that is searched with until the wanted one is complete."""
        self._is_changed = asyncio.Event()
        self._touched: set[int | str] | None = None
        """The memories, and the agents of many, that were changed or forgotten while vectors are stored."""
        self._is_replacing = self._is_down = self._stale = False
        self._may_rest = may_rest and exact.limit > 0
        self._asked: list[asyncio.Future[None]] = []

    @property
    def embedder(self) -> Embedder:
        """The model of what is written and looked for now."""
        return self._builds.embedder

    @property
    def problem(self) -> str:
        """Why memories are without a vector; empty when nothing keeps them from it."""
        return self._backlog.problem or (self._before.problem if self._before else "")

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
        if self._is_changing and builds.build is not None:
            self._stale |= builds.wanted.is_instant
            if (before := await self._embedders.open(builds.build.model)) is not None:
                builds.embedder = before
                if not before.is_instant:
                    self._before = Backlog(self._store, before, self._keep, self._alone)
        builds.is_idle = builds.is_idle and not self._stale and len(changes) <= self._exact.limit
        self._exact.use(builds.embedder.model)

    async def run(self) -> None:
        """Open the index, mend it or build it anew, and carry changes over, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._forever(self._attend))
                tasks.create_task(self._forever(self._keep_up))
                tasks.create_task(self._embedding(self._backlog))
                if self._is_changing:
                    tasks.create_task(self._change_model(self._before))
        finally:
            await self._builds.close()

    def changed(self, written: Sequence[Place] = (), gone: Sequence[Place] = ()) -> None:
        """Say that the store has changes: what was written, with its vectors if it has any, and what was forgotten."""
        vectors = [place for place in written if isinstance(place, Vector)]
        lacking = [place for place in written if not isinstance(place, Vector)]
        self._changes.told(vectors, [*gone, *lacking])
        if self._touched is not None:
            self._touched.update(place.seq for place in (*written, *gone))
        if self._before is not None:
            self._before.lacks([place.seq for place in lacking])
        # What has a vector of the model before has none of the wanted one.
        self._backlog.lacks([place.seq for place in (lacking if self.embedder is self._builds.wanted else written)])

    @contextlib.contextmanager
    def invalidated_on_cancel(self, agent_id: str) -> Iterator[None]:
        """Load the vectors of an agent, or all, anew when a caller goes away in a write that may have been made."""
        try:
            yield
        except asyncio.CancelledError:
            self.forgotten(agent_id)
            self._backlog.look()
            raise

    def forgotten(self, agent_id: str) -> None:
        """Say that many memories of an agent, or of any when it is empty, were forgotten."""
        self._changes.told_of_many(agent_id)
        if self._touched is not None:
            self._touched.add(agent_id)

    async def reindex(self, key: RequestKey) -> None:
        """Have the index built anew, once for every request; it is not waited for."""
        async with self._store.writing() as records:
            if await records.claim(key, "reindex"):
                return
            if begins := not self._is_replacing:
                # An unfinished build: if the service ends before this one is done, its next start does it.
                await records.begin_build(self._builds.embedder.model)
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
        builds = self._builds
        async with self._store.reading() as records:
            pending = await records.change_count()
            vectorless = 0 if builds.embedder.is_instant else await records.vectorless_count(builds.embedder.model)
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
            vectorless=vectorless,
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
        builds, asked = self._builds, self._asked
        self._asked = []
        self._is_replacing, self._stale, is_done = True, False, False
        try:
            if builds.wanted.is_instant:
                await self._backlog.filled()
            await self._building.build_anew(builds.wanted if self._backlog.is_filled else builds.embedder)
            is_done = True
            # What was written with the model before while this one came to serve.
            self._backlog.look()
            if not self._is_changing:
                self._is_changed.set()
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
                self._backlog.look()
                await self._building.drop_other_models()

    async def _keep(self, embedder: Embedder, texts: Sequence[Text], vectors: Sequence[bytes]) -> Sequence[Vector]:
        """Store vectors that were made later, and return those whose memories still have these texts."""
        builds, model = self._builds, embedder.model
        async with builds.embedding:
            if model not in (builds.wanted.model, builds.embedder.model):
                return ()
            is_served = builds.build is not None and builds.build.model == model
            self._touched = set()
            try:
                async with self._store.writing() as records:
                    added = await records.add_vectors(model, texts, vectors)
                    if is_served:
                        await records.mark([vector.seq for vector in added])
                    await records.commit()
            finally:
                touched, self._touched = self._touched, None
            stale = [vector for vector in added if not touched.isdisjoint((vector.seq, vector.agent_id, ""))]
            for vector in stale:
                self._exact.forget(vector.agent_id)
            new = [vector for vector in added if vector not in stale]
            if is_served:
                self._changes.told(new)
            elif model == builds.embedder.model:
                self._exact.add(new)
        return added

    async def _embedding(self, backlog: Backlog) -> None:
        while True:
            try:
                await backlog.work()
            except Exception:
                log.exception("embedding failed")
                await asyncio.sleep(_RETRY_SECONDS)

    @property
    def _is_changing(self) -> bool:
        """Whether the build that serves has the vectors of another model than the wanted one."""
        build = self._builds.build
        return build is not None and build.model != self._builds.wanted.model

    async def _change_model(self, before: Backlog | None) -> None:
        """Let the wanted model serve once its vectors are complete; until then the one before gets those it lacks."""
        async with asyncio.TaskGroup() as tasks:
            late = tasks.create_task(self._embedding(before)) if before is not None else None
            await self._backlog.filled()
            if self._is_changing and not self._builds.wanted.is_instant:
                self._stale = True
                self._builds.wake()
            await self._is_changed.wait()
            self._before = None
            if late is not None:
                late.cancel()
