"""Which build of the vector index serves, which one is to replace it, and the models of both."""

import asyncio
import logging

from services.memory.domain.vectors import Build, IndexDown
from services.memory.ports.embedder import Embedder
from services.memory.ports.index import Generation

log = logging.getLogger(__name__)


class Builds:
    """What those know together who open, fill, ask and replace a build."""

    def __init__(self, wanted: Embedder) -> None:
        """Take the model whose vectors the index is to hold."""
        self.wanted = wanted
        self.embedder = wanted
        """The model of what is written and looked for now; the wanted one as soon as its vectors are complete."""
        self.build: Build | None = None
        self.serving: Generation | None = None
        self.replacing: Generation | None = None
        self.replacing_model = ""
        self.is_idle = False
        self.needed, self.attended = asyncio.Event(), asyncio.Event()
        # One at a time: else a vector that is forgotten could be put into a build after it was removed from it.
        self.moving = asyncio.Lock()
        # Nothing is embedded for a build of another model while what there is of it is put there: it would be missed.
        self.embedding = asyncio.Lock()

    def wake(self) -> None:
        """Have the index attended to, and opened if it rests."""
        self.is_idle = False
        self.attended.clear()
        self.needed.set()

    async def lose(self, serving: Generation, error: IndexDown) -> None:
        """Let go of a build that failed; it is opened and compared again."""
        log.warning("index lost", extra={"problem": error.problem})
        if self.serving is serving:
            self.serving = None
            self.needed.set()
            await serving.close()

    async def close(self) -> None:
        """Let go of all."""
        for generation in filter(None, (self.replacing, self.serving)):
            await generation.close()
