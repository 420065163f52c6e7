"""Any OpenAI-compatible server, through the `openai` SDK.

The SDK brings authentication, its error classes and server-sent events. Bodies and answers are plain JSON values, so
that both dialects go the same way and a server that answers something else is noticed.
"""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from urllib.parse import urlsplit

from openai import AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient

from services.llm.adapters.answers import Answer, Chunk, Listing
from services.llm.adapters.dialects import Body, Dialect
from services.llm.adapters.refusals import told
from services.llm.domain import Generation, Model, ProviderUnavailable, StreamEnd, Task, Trimmer, Usage


class OpenAiProvider:
    """One server. Calls beyond its concurrency wait for their turn, within their time."""

    def __init__(
        self, name: str, client: AsyncOpenAI, dialect: Dialect, model: str, concurrency: int, choices: int
    ) -> None:
        """Take the default model, empty for the server's own, and how many choices one call may ask for."""
        self.name = name
        self._client = client
        self._dialect = dialect
        self._model = model
        self._turns = asyncio.Semaphore(concurrency)
        self._choices = choices

    async def generate(self, task: Task, seconds: float) -> Generation:
        """Write the candidates within this time."""
        body = self._body(task)
        with told(self.name):
            async with asyncio.timeout(seconds):
                try:
                    async with asyncio.TaskGroup() as calls:
                        pending = [
                            calls.create_task(self._answer(body | extra, seconds)) for extra in self._shares(task)
                        ]
                except ExceptionGroup as failed:
                    raise failed.exceptions[0] from None
        answers = [call.result() for call in pending]
        return Generation(
            self.name,
            answers[0].model or self._model_of(task),
            tuple(choice.candidate() for answer in answers for choice in answer.choices),
            sum((answer.used() for answer in answers), Usage()),
        )

    async def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        """Write one candidate, piece by piece."""
        body = self._body(task) | next(self._shares(task)) | {"stream": True, "stream_options": {"include_usage": True}}
        trimmer, model, reason, usage = Trimmer(), self._model_of(task), None, Usage()
        with told(self.name):
            async with contextlib.aclosing(self._chunks(body, seconds)) as chunks:
                while (chunk := await _next(chunks, seconds)) is not None:
                    model, usage = chunk.model or model, chunk.used() or usage
                    for choice in chunk.choices[:1]:
                        reason = choice.ended if choice.finish_reason else reason
                        if piece := trimmer.feed(choice.written):
                            yield piece
        if reason is None:
            raise ProviderUnavailable(self.name, "broke off")
        yield StreamEnd(self.name, model, reason, usage)

    async def models(self, seconds: float) -> Sequence[Model]:
        """List the models that it offers now, within this time."""
        with told(self.name):
            async with asyncio.timeout(seconds):
                listed = await self._client.get("/models", cast_to=object, options={"timeout": seconds})
            names = Listing.model_validate(listed).names()
        # A server with one model runs that one when none is named.
        default = self._model or (names[0] if len(names) == 1 else "")
        return [Model(self.name, name, is_default=name == default) for name in names]

    def _body(self, task: Task) -> Body:
        body = self._dialect.body(task)
        return body | {"model": model} if (model := self._model_of(task)) else body

    def _model_of(self, task: Task) -> str:
        return task.model or self._model

    def _shares(self, task: Task) -> Iterator[Body]:
        for first in range(0, task.candidate_count, self._choices):
            share: Body = {}
            if (count := min(self._choices, task.candidate_count - first)) > 1:
                share["n"] = count
            if task.sampling.seed is not None:
                # Calls with one seed would all write the same; within a call each choice draws differently.
                share["seed"] = task.sampling.seed + first
            yield share

    async def _answer(self, body: Body, seconds: float) -> Answer:
        async with self._turns:
            data = await self._client.post(self._dialect.path, cast_to=object, body=body, options={"timeout": seconds})
        return Answer.model_validate(data)

    async def _chunks(self, body: Body, seconds: float) -> AsyncGenerator[Chunk, None]:
        async with self._turns:
            stream = await self._client.post(
                self._dialect.path,
                cast_to=object,
                body=body,
                options={"timeout": seconds},
                stream=True,
                stream_cls=AsyncStream[object],
            )
            # Leaving it early closes the connection, and that tells the server to stop writing.
            async with stream:
                async for data in stream:
                    yield Chunk.model_validate(data)


async def _next(chunks: AsyncGenerator[Chunk, None], seconds: float) -> Chunk | None:
    async with asyncio.timeout(seconds):
        return await anext(chunks, None)


@contextlib.asynccontextmanager
async def open_client(base_url: str, api_key: str) -> AsyncIterator[AsyncOpenAI]:
    """Open a client that never repeats a call by itself: a call that timed out may have been paid for already."""
    # A proxy that the environment names is no way to this machine.
    transport = DefaultAsyncHttpxClient(trust_env=not _is_this_machine(urlsplit(base_url).hostname or ""))
    # Without any key the SDK would take another provider's from the environment.
    async with AsyncOpenAI(
        base_url=base_url, api_key=api_key or "none", max_retries=0, http_client=transport
    ) as client:
        client.organization = client.project = None
        yield client


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
