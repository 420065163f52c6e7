"""Opening a build of the index, mending it, and replacing it by a new one while searches go on."""

import contextlib
import logging

from services.memory.domain.vectors import Build, IndexDown
from services.memory.ports.embedder import Embedder
from services.memory.ports.index import Generation, Index
from services.memory.ports.store import Store
from services.memory.service.builds import Builds
from services.memory.service.changes import Changes
from services.memory.service.comparing import compare
from services.memory.service.exact import ExactSearch

log = logging.getLogger(__name__)

_CHUNK = 1_000
_SAMPLE = 200
_MANY = 1_000
"""More differences than this are not mended one by one: the index is built anew."""
_LOG_EVERY = 10_000


class Building:
    """Opens the build that serves, and fills the one that takes its place."""

    def __init__(self, store: Store, index: Index, exact: ExactSearch, builds: Builds, changes: Changes) -> None:
        self._store = store
        self._index = index
        self._exact = exact
        self._builds = builds
        self._changes = changes
        self.built = self.total = 0
        """How many vectors the new build has, and how many it is to have."""
        self.is_switched = False
        """Whether another model has come to serve since the start."""

    async def open(self, build: Build) -> None:
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
        self._builds.serving = generation
        self._changes.look()
        await self.drop_others(build)

    async def drop_others(self, build: Build) -> None:
        """Delete what the last run may have left of the build that this one replaced."""
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

    async def build_anew(self, embedder: Embedder) -> None:
        """Build the index anew beside the one that serves, with a model's vectors, and let it serve in its place."""
        serving = self._builds.build
        is_another = serving is None or serving.model != embedder.model
        async with self._builds.embedding if is_another else contextlib.nullcontext():
            build = await self._begin(embedder)
            before = await self._fill(build, embedder)
        if before is not None:
            await before.close()
        await self.drop_others(build)
        log.info("index is built", extra={"generation": build.number, "vectors": self.built})
        await self.drop_other_models()
        self._changes.look()

    async def _begin(self, embedder: Embedder) -> Build:
        async with self._store.writing() as records:
            build = await records.begin_build(embedder.model)
            await records.commit()
        return build

    async def _fill(self, build: Build, embedder: Embedder) -> Generation | None:
        """Let a new build serve once it is filled, and return the one that did before."""
        builds = self._builds
        builds.replacing = generation = await self._index.open(build.number)
        builds.replacing_model = build.model
        try:
            async with builds.moving:
                self._changes.forget_fresh()
                async with self._store.reading() as records:
                    # What is stored from here on is carried over; what was noted before is copied, and needn't be.
                    noted = await records.pending() if builds.serving is None else {}
                    newest, self.built, self.total = await records.newest(), 0, await records.memory_count()
            log.info("index is being built", extra={"generation": build.number, "vectors": self.total})
            await self._copy(generation, build.model, newest)
            async with builds.moving:
                async with self._store.writing() as records:
                    await records.settle(noted)
                    # Another replica may have carried them over to the build before.
                    await records.mark_stored_after(newest)
                    await records.serve_build(build)
                    await records.commit()
                self._changes.settled(set(noted.values()))
                self.is_switched |= builds.embedder is not embedder
                before, builds.serving, builds.build = builds.serving, generation, build
                builds.embedder = embedder
                self._exact.use(embedder.model)
        except BaseException:
            await generation.close()
            raise
        finally:
            builds.replacing = None
        return before

    async def _copy(self, generation: Generation, model: str, newest: int) -> None:
        """Put the vectors that the store has of a model into a build, up to that of the memory with this number."""
        after = 0
        while True:
            async with self._builds.moving:
                async with self._store.reading() as records:
                    vectors = await records.vectors(model, after, newest, _CHUNK)
                await generation.put(vectors)
            if not vectors:
                return
            after = vectors[-1].seq
            self._count(len(vectors))

    async def drop_other_models(self) -> None:
        """Delete the vectors of models that are neither searched with nor wanted."""
        kept, dropped = {self._builds.embedder.model, self._builds.wanted.model}, _CHUNK
        while dropped == _CHUNK:
            async with self._store.writing() as records:
                dropped = await records.drop_vectors(kept, _CHUNK)
                await records.commit()

    def _count(self, vectors: int) -> None:
        before, self.built = self.built, self.built + vectors
        if before // _LOG_EVERY != self.built // _LOG_EVERY:
            log.info("index is being built", extra={"built": self.built, "vectors": self.total})
