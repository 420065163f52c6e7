"""The vector index: kept up with the store, compared with it at start, and built anew while searches go on.

The store is the truth. Each write notes in its own transaction that the index doesn't have it yet; these changes are
carried over in groups, and until then a search compares them one by one. So a write can be found when it returns,
whatever happens to the index.

Where every agent is small nobody searches the index. It rests then, unopened, and its changes wait in the store.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

from services.memory.domain.vectors import (
    Build,
    Comparison,
    IndexDown,
    IndexState,
    IndexStatus,
    Place,
    Vector,
    vectors_of,
)
from services.memory.ports.embedder import Embedder, Embedders
from services.memory.ports.index import Generation, Index, Recent
from services.memory.ports.store import Store
from services.memory.service.comparing import compare
from services.memory.service.exact import ExactSearch
from services.runtime import telemetry
from services.runtime.idempotency import RequestKey
from services.runtime.telemetry import Gauge

log = logging.getLogger(__name__)

PENDING = Gauge("puppet.memory.index.pending", "{memory}", "How many changes the vector index doesn't have yet.")
_CHANGES = 500
_CHUNK = 1_000
_SAMPLE = 200
_MANY = 1_000
"""More differences than this are not mended one by one: the index is built anew."""
_GATHER_SECONDS = 0.2
_PATIENCE, _ENOUGH = 150, 10_000
"""How often a quiet moment is waited for, and how many new vectors are not waited with any longer."""
_RETRY_SECONDS = 3.0
_LOG_EVERY = 10_000


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
        self._index = index
        self._recent = recent
        self._exact = exact
        self._embedders = embedders
        self._wanted = embedder
        self.embedder = embedder
        """The model of what is written and looked for now; the wanted one as soon as its vectors are complete."""
        self._build: Build | None = None
        self._serving: Generation | None = None
        self._replacing: Generation | None = None
        self._built = self._total = 0
        self._is_replacing = self._is_down = False
        self._is_switched = self._is_idle = False
        self._may_rest = may_rest and exact.limit > 0
        self._asked: list[asyncio.Future[None]] = []
        self._stale = False
        # Numbers whose changes were carried over, and those that changed while they were.
        self._carried: set[int] = set()
        self._fresh: set[int] = set()
        self._needed, self._attended, self._behind = asyncio.Event(), asyncio.Event(), asyncio.Event()
        # One at a time: else a vector that is forgotten could be put into a build after it was removed from it.
        self._moving = asyncio.Lock()

    async def prepare(self) -> None:
        """Find out which build serves; an agent whose words were never indexed gets them."""
        async with self._store.writing() as records:
            for agent_id in await records.agents_without_words():
                await records.scrub(agent_id)
            self._build = await records.build()
            if self._build is None and self._may_rest and not await records.memory_count():
                # An index of nothing needs no building; what comes to be stored are changes to it.
                self._build = await records.begin_build(self._wanted.model)
                await records.serve_build(self._build)
            self._stale = self._build is None or await records.has_unfinished_build()
            changes = await records.changes(await records.change_count())
            self._is_idle = self._may_rest and not await records.has_large_agent(self._exact.limit)
            await records.commit()
        self._recent.put(vectors_of(changes))
        if self._build and self._build.model != self._wanted.model:
            self._stale = True
            self.embedder = await self._embedders.open(self._build.model) or self._wanted
        self._is_idle = self._is_idle and not self._stale and len(changes) <= self._exact.limit
        self._exact.use(self.embedder.model)

    async def run(self) -> None:
        """Open the index, mend it or build it anew, and carry changes over, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._forever(self._attend))
                tasks.create_task(self._forever(self._keep_up))
        finally:
            for generation in filter(None, (self._replacing, self._serving)):
                await generation.close()

    def changed(self, vectors: Sequence[Vector] = (), gone: Sequence[Place] = ()) -> None:
        """Say that the store has changes: which vectors are new, and whose memories were forgotten."""
        self._exact.add(vectors)
        self._exact.remove(gone)
        self._recent.put(vectors)
        self._fresh.update(vector.seq for vector in vectors)
        self._behind.set()

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
        self._exact.forget(agent_id)
        self._behind.set()

    async def reindex(self, key: RequestKey) -> None:
        """Have the index built anew, once for every request; it is not waited for."""
        async with self._store.writing() as records:
            if await records.claim(key, "reindex"):
                return
            if begins := not self._is_replacing:
                # An unfinished build: if the service ends before this one is done, its next start does it.
                await records.begin_build(self._wanted.model)
            await records.commit()
        if begins:
            self._stale = True
            self._wake()

    async def rebuild(self) -> None:
        """Build the index anew, from what the store holds now on, and wait for it. Raises IndexDown."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.append(done)
        self._wake()
        await done

    async def nearest(self, agent_id: str, vector: bytes, model: str, most: int) -> list[int] | None:
        """Return the numbers of memories near a vector, of this agent and of others; None when there is no index yet.

        Fewer than `most` means that there are no more.
        """
        if self._is_idle:
            self._wake()
        if self._serving is None or self._build is None or self._build.model != model:
            return None
        serving = self._serving
        try:
            indexed = await serving.nearest(agent_id, vector, most)
        except IndexDown as error:
            log.warning("index lost", extra={"problem": error.problem})
            await self._lose(serving)
            return None
        recent = await self._recent.nearest(agent_id, vector, most)
        return list({*indexed, *recent}) if recent else indexed

    async def status(self) -> IndexStatus:
        """Return how far the index is."""
        async with self._store.reading() as records:
            pending = await records.change_count()
        if self._is_replacing or (self._serving is not None and (self._stale or self._asked)):
            state = IndexState.BUILDING
        elif self._serving is not None:
            state = IndexState.READY
        elif self._is_down:
            state = IndexState.DOWN
        else:
            state = IndexState.IDLE if self._is_idle else IndexState.OPENING
        build = self._build
        return IndexStatus(
            state=state,
            generation=build.number if build else 0,
            model=build.model if build else self._wanted.model,
            built=self._built,
            total=self._total,
            pending=pending,
        )

    async def verify(self) -> Comparison:
        """Compare every vector with the store, but for changes that are on their way. Raises IndexDown."""
        if self._is_idle:
            self._wake()
            await self._attended.wait()
            while await self._carry_over():
                pass
        async with self._moving:
            if self._serving is None or self._build is None:
                raise IndexDown("the index is not open yet", retry_after=_RETRY_SECONDS)
            model, serving = self._build.model, self._serving
            try:
                found = await compare(self._store, serving, model, None)
            except IndexDown as error:
                log.warning("index lost", extra={"problem": error.problem})
                await self._lose(serving)
                raise IndexDown("the index could not be read") from error
        return found.comparison

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
                self._is_down = False
            except IndexDown as error:
                self._is_down = True
                self._attended.set()
                log.warning("index down", extra={"problem": error.problem})
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                self._attended.set()
                log.exception("indexing failed")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _attend(self) -> None:
        """Open the index, or build it anew, whenever that is needed."""
        self._needed.clear()
        if self._is_idle and self._build is not None:
            # As after opening: of what was purged nothing may be left in a build before.
            await self._index.drop_others(self._build.number)
        else:
            if self._serving is None and self._build is not None:
                await self._open(self._build)
            if self._serving is None or self._stale or self._asked:
                await self._replace()
            self._attended.set()
        await self._needed.wait()

    def _wake(self) -> None:
        """Have the index attended to, and opened if it rests."""
        self._is_idle = False
        self._attended.clear()
        self._needed.set()

    async def _keep_up(self) -> None:
        """Carry changes over, in a quiet moment if there is one soon: to write to the index takes longest."""
        await self._behind.wait()
        for _ in range(_PATIENCE):
            self._behind.clear()
            await asyncio.sleep(_GATHER_SECONDS)
            if not self._behind.is_set() or len(self._fresh) >= _ENOUGH:
                break
        while await self._carry_over():
            pass
        if self._is_idle or telemetry.is_exported():
            async with self._store.reading() as records:
                pending = await records.change_count()
            PENDING.set(pending)
            if self._is_idle and pending > self._exact.limit:
                self._wake()

    async def _open(self, build: Build) -> None:
        """Open the build that serves and mend it; one that is damaged is closed again."""
        try:
            generation = await self._index.open(build.number)
        except IndexDown as error:
            log.warning("index can't be opened: it is built anew", extra={"problem": error.problem})
            return
        try:
            await self._mend(generation, build.model)
        except IndexDown as error:
            log.warning("index is damaged: it is built anew", extra={"problem": error.problem})
            await generation.close()
            return
        self._serving = generation
        self._behind.set()
        # The last run may have ended before it had deleted the build that this one replaced.
        await self._index.drop_others(build.number)

    async def _mend(self, generation: Generation, model: str) -> None:
        """Compare a build with the store, and note what it lacks. Raises IndexDown when it isn't worth mending."""
        found = await compare(self._store, generation, model, _SAMPLE)
        if len(found.unreached) > _SAMPLE // 20 or len(found.all) > _MANY:
            raise IndexDown(f"damaged: {found.comparison}")
        if found.all:
            log.warning("index mended", extra={"vectors": len(found.all)})
            async with self._store.writing() as records:
                await records.mark(sorted(found.all))
                await records.commit()

    async def _replace(self) -> None:
        """Build the index anew beside the one that serves, let it serve, and delete what was before."""
        asked, self._asked = self._asked, []
        self._is_replacing, self._stale, is_done = True, False, False
        try:
            await self._build_anew()
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

    async def _build_anew(self) -> None:
        async with self._store.writing() as records:
            build = await records.begin_build(self._wanted.model)
            await records.commit()
        self._replacing = generation = await self._index.open(build.number)
        try:
            async with self._moving:
                self._fresh.clear()
                async with self._store.reading() as records:
                    # What is stored from here on is carried over; what was noted before is copied, and needn't be.
                    noted = await records.pending() if self._serving is None else {}
                    newest, self._built, self._total = await records.newest(), 0, await records.memory_count()
            log.info("index is being built", extra={"generation": build.number, "vectors": self._total})
            await self._copy(generation, build.model, newest)
            await self._embed(generation)
            async with self._moving:
                async with self._store.writing() as records:
                    await records.settle(noted)
                    # Another replica may have carried them over to the build before.
                    await records.mark_stored_after(newest)
                    await records.serve_build(build)
                    await records.commit()
                self._has(set(noted.values()))
                self._is_switched |= self.embedder is not self._wanted
                before, self._serving, self._build = self._serving, generation, build
                self.embedder = self._wanted
                self._exact.use(self.embedder.model)
        except BaseException:
            await generation.close()
            raise
        finally:
            self._replacing = None
        try:
            # What was written with the model before while this one came to serve.
            await self._embed(generation)
        finally:
            if before is not None:
                await before.close()
        await self._index.drop_others(build.number)
        log.info("index is built", extra={"generation": build.number, "vectors": self._built})
        await self._drop_other_models(build.model)
        self._behind.set()

    async def _copy(self, generation: Generation, model: str, newest: int) -> None:
        """Put the vectors that the store has of a model into a build, up to that of the memory with this number."""
        after = 0
        while True:
            async with self._moving:
                async with self._store.reading() as records:
                    vectors = await records.vectors(model, after, newest, _CHUNK)
                await generation.put(vectors)
            if not vectors:
                return
            after = vectors[-1].seq
            self._count(len(vectors))

    async def _embed(self, generation: Generation) -> None:
        """Embed what has no vector of the wanted model, and put it into a build."""
        model = self._wanted.model
        while True:
            async with self._store.reading() as records:
                texts = await records.without_vector(model, _CHUNK)
            if not texts:
                return
            vectors = await self._wanted.embed([text.text for text in texts])
            async with self._moving:
                async with self._store.writing() as records:
                    added = await records.add_vectors(model, texts, vectors)
                    await records.commit()
                if self.embedder is self._wanted:
                    self._exact.add(added)
                await generation.put(added)
            self._count(len(added))

    async def _drop_other_models(self, model: str) -> None:
        dropped = _CHUNK
        while dropped == _CHUNK:
            async with self._store.writing() as records:
                dropped = await records.drop_vectors(model, _CHUNK)
                await records.commit()

    async def _carry_over(self) -> bool:
        """Tell the index, and a build that is to replace it, of the oldest changes; False when there were none."""
        async with self._moving:
            serving = self._serving
            if serving is None or self._build is None:
                return False
            self._fresh.clear()
            async with self._store.reading() as records:
                changes = await records.changes(_CHANGES)
            if not changes:
                return False
            there = vectors_of(changes)
            gone = [Place(change.seq, change.agent_id) for change in changes if change.data is None]
            replacing = self._replacing
            try:
                await serving.put(there)
                await serving.remove(gone)
            except IndexDown:
                await self._lose(serving)
                raise
            if replacing is not None:
                await replacing.remove(gone)
                if self._wanted.model == self._build.model:
                    await replacing.put(there)
            async with self._store.writing() as records:
                await records.settle([change.number for change in changes])
                await records.commit()
            self._has({change.seq for change in changes})
        if gone and self._is_switched:
            # A write that had begun before the model was changed may have come with a vector of the old one only.
            await self._embed(serving)
            await self._drop_other_models(self._wanted.model)
        return True

    def _has(self, seqs: set[int]) -> None:
        """Forget the recent vectors of memories that the index has now, but for those that changed meanwhile."""
        carried = self._carried | seqs
        self._recent.drop(carried - self._fresh)
        self._carried = carried & self._fresh

    async def _lose(self, serving: Generation) -> None:
        """Let go of a build that failed; it is opened and compared again."""
        if self._serving is serving:
            self._serving = None
            self._needed.set()
            await serving.close()

    def _count(self, vectors: int) -> None:
        before, self._built = self._built, self._built + vectors
        if before // _LOG_EVERY != self._built // _LOG_EVERY:
            log.info("index is being built", extra={"built": self._built, "vectors": self._total})
