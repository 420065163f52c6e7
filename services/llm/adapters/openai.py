"""Any OpenAI-compatible server, through the `openai` SDK.

The SDK brings authentication, its error classes and server-sent events. Bodies and answers are plain JSON values, so
that all dialects go the same way and a server that answers something else is noticed.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import httpx2
from openai import AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient
from typing_extensions import override

from services.llm.adapters.answers import Answer, Chunk, Listing, Vectors
from services.llm.adapters.capabilities import Models
from services.llm.adapters.dialects import Body, Dialect
from services.llm.adapters.metering import ConcurrencyLimit, writing
from services.llm.adapters.refusals import FieldsRefused, raise_told_error, read_answer, translate_errors
from services.llm.adapters.thoughts import ThoughtCutter
from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.errors import ProviderRefused, ProviderUnavailable
from services.llm.domain.generation import Candidate, FinishReason, Generation, StopCutter, StreamEnd, Trimmer
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task
from services.llm.domain.usage import Usage
from services.llm.ports import Provider
from services.llm.settings import is_this_machine

_Sent = TypeVar("_Sent")


_MAX_REPAIRS = 8
"""So many times a request is sent again without what was refused: nothing was written, so nothing was paid for."""


class OpenAiProvider(Provider):
    """One server. Calls beyond its concurrency wait for a slot, within their time."""

    def __init__(
        self,
        name: str,
        client: AsyncOpenAI,
        dialect: Dialect,
        models: Models,
        model: str,
        *,
        concurrency: int,
        choices: int,
        timeout_seconds: float,
        max_tokens: int,
        thinking_tokens: int,
        embedding_model: str,
        needs_model: bool,
    ) -> None:
        """Take the default models, empty for the server's own, how many choices one call may ask for, and its time.

        `max_tokens` holds for what doesn't say how long it may get; a model that thinks gets `thinking_tokens` more.
        """
        self.name = name
        self.shows_background = dialect.shows_background
        self._client = client
        self._dialect = dialect
        self._models = models
        self._model = model
        self._slots = ConcurrencyLimit(name, concurrency)
        self._choices = choices
        self._timeout = timeout_seconds
        self._max_tokens = max_tokens
        self._thinking_tokens = thinking_tokens
        self._embedding_model = embedding_model
        self._needs_model = needs_model

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        model, until = self._model_of(task), asyncio.get_running_loop().time() + min(seconds, self._timeout)
        with translate_errors(self.name), writing(self.name, model) as work:
            answers, is_whole = await self._repaired(task, {}, lambda bodies: self._answers(task, bodies, until))
            choices = [choice for answer in answers for choice in answer.choices]
            candidates = [choice.candidate() for choice in choices]
            usage = sum((answer.used() for answer in answers), Usage())
            work.usage = usage
        if any(choice.was_cut_before_it_wrote for choice in choices):
            self._models.thinks(model)
        return Generation(
            self.name,
            answers[0].model or model,
            tuple(_ended(candidate, task) for candidate in candidates),
            usage,
            self.shows_background,
            misses_bills=not (is_whole and all(answer.tells_usage for answer in answers)),
        )

    @override
    async def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        model, reason, usage, seconds = self._model_of(task), None, Usage(), min(seconds, self._timeout)
        trimmer, cutter = Trimmer(), ThoughtCutter(is_open=self._models.of(model).opened_by_template)
        stops = StopCutter(task.sampling.stop)
        is_empty, has_written = True, False
        with translate_errors(self.name), writing(self.name, model) as work:
            async with contextlib.aclosing(self._chunks(task, seconds)) as chunks:
                while (chunk := await _next(chunks, seconds)) is not None:
                    model, usage = chunk.model or model, chunk.used() or usage
                    work.usage = usage
                    for choice in chunk.choices[:1]:
                        if choice.refuses or (choice.finish_reason and reason is not FinishReason.CONTENT_FILTER):
                            reason = choice.ended
                        has_written = has_written or bool(choice.written.strip())
                        if piece := trimmer.feed(stops.feed(cutter.feed(choice.written))):
                            is_empty = False
                            yield piece
        if reason is None:
            raise ProviderUnavailable(self.name, "broke off", may_be_billed=True)
        if piece := trimmer.feed(stops.feed(cutter.end()) + stops.end()):
            is_empty = False
            yield piece
        if stops.has_stopped and reason is FinishReason.LENGTH:
            reason = FinishReason.STOP
        if is_empty and reason is not FinishReason.CONTENT_FILTER:
            if reason is FinishReason.LENGTH and not has_written:
                self._models.thinks(self._model_of(task))
            reason = FinishReason.EMPTY
        yield StreamEnd(self.name, model, reason, usage)

    @override
    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        model, seconds = task.model or self._embedding_model, min(seconds, self._timeout)
        if not model and self._needs_model:
            variable = f"PUPPET_LLM_{self.name.upper()}_EMBEDDING_MODEL"
            raise ProviderRefused(self.name, f"no model of it is known to make vectors: set {variable}")
        given = {"model": model, "input": list(task.texts), "dimensions": task.dimensions}
        body = {name: value for name, value in given.items() if value}
        with translate_errors(self.name), writing(self.name, model, "embeddings") as work:
            async with asyncio.timeout(seconds):
                made = Vectors.model_validate(await self._post("/embeddings", body, seconds, task))
            vectors = made.of(len(task.texts))
            usage = work.usage = made.used()
        return Embedding(self.name, made.model or model, vectors, usage)

    @override
    async def models(self, seconds: float) -> Sequence[Model]:
        with translate_errors(self.name):
            async with asyncio.timeout(seconds):
                listed = await self._client.get("/models", cast_to=object, options={"timeout": seconds})
            names = Listing.model_validate(listed).names()
        # A server with one model runs that one when none is named.
        default = self._model or (names[0] if len(names) == 1 else "")
        return [Model(self.name, name, is_default=name == default) for name in names]

    def _model_of(self, task: Task) -> str:
        return task.model or self._model

    async def _repaired(self, task: Task, extra: Body, send: Callable[[list[Body]], Awaitable[_Sent]]) -> _Sent:
        """Send the requests for a task, and again as long as a field is refused that can be left out.

        What only the words of a refusal mention may be the prompt's: it is no lesson when all is refused in the end.
        """
        model = self._model_of(task)
        before, is_sure = self._models.of(model), True
        try:
            for _ in range(_MAX_REPAIRS):
                bodies = list(self._bodies(task, extra))
                try:
                    return await send(bodies)
                except FieldsRefused as refused:
                    is_sure = is_sure and refused.is_sure
                    if not self._models.learn(model, refused.fields, bodies[0]):
                        raise
            return await send(list(self._bodies(task, extra)))
        except ProviderRefused:
            if not is_sure:
                self._models.keep(model, before)
            raise

    def _bodies(self, task: Task, extra: Body) -> Iterator[Body]:
        model = self._model_of(task)
        known = self._models.of(model)
        sampling = replace(task.sampling, max_tokens=task.sampling.max_tokens or self._max_tokens)
        limit = self._choices if known.takes_n else 1
        for first in range(0, task.candidate_count, limit):
            # Calls with one seed would all write the same; within a call each choice draws differently.
            seed = None if sampling.seed is None else sampling.seed + first
            asked = replace(task, sampling=replace(sampling, seed=seed))
            body = {**self._dialect.body(asked), **extra, **({"model": model} if model else {})}
            if (count := min(limit, task.candidate_count - first)) > 1:
                body["n"] = count
            yield known.fit(body, self._thinking_tokens)

    async def _answers(self, task: Task, bodies: list[Body], until: float) -> tuple[list[Answer], bool]:
        """Return what was answered by then, and whether nothing else can have cost anything.

        A call that failed, or isn't over, costs its own candidates alone.
        """
        seconds = until - asyncio.get_running_loop().time()
        calls = [asyncio.create_task(self._answer(task, body, seconds)) for body in bodies]
        try:
            ended, _ = await asyncio.wait(calls, timeout=max(0.0, seconds))
        finally:
            for call in calls:
                call.cancel()
            sent = await asyncio.gather(*calls, return_exceptions=True)
        answers = [item for item in sent if isinstance(item, Answer)]
        failures = [failure for call in calls if call in ended and (failure := call.exception())]
        if answers and all(isinstance(failure, Exception) for failure in failures):
            is_known = len(ended) == len(calls) and not any(_may_be_billed(failure) for failure in failures)
            return answers, is_known
        raise _dearest(failures) if len(ended) == len(calls) else TimeoutError

    async def _answer(self, task: Task, body: Body, seconds: float) -> Answer:
        with translate_errors(self.name):
            answer = self._dialect.read(await self._post(self._dialect.path, body, seconds, task))
        if len(answer.choices) == 1 and body.get("n", 1) > 1:
            # It doesn't refuse `n`, and doesn't heed it either.
            self._models.learn(self._model_of(task), {"n"}, body)
        return answer

    async def _post(self, path: str, body: Body, seconds: float, task: Task | EmbedTask) -> object:
        async with self._slots.slot(is_awaited=isinstance(task, Task) and task.is_awaited):
            await task.before_sending()
            response = await self._client.post(
                path, cast_to=httpx2.Response, body=_nested(body), options={"timeout": seconds}
            )
        return read_answer(self.name, response)

    async def _chunks(self, task: Task, seconds: float) -> AsyncGenerator[Chunk, None]:
        read = self._dialect.reader()
        async with self._slots.slot(is_awaited=task.is_awaited):
            await task.before_sending()
            asking = dict(self._dialect.streaming)
            stream = await self._repaired(task, asking, lambda bodies: self._open(bodies[0], seconds))
            # Leaving it early closes the connection, and that tells the server to stop writing.
            async with stream:
                async for data in stream:
                    raise_told_error(self.name, data, stream.response.request)
                    yield read(data)

    async def _open(self, body: Body, seconds: float) -> AsyncStream[object]:
        with translate_errors(self.name):
            return await self._client.post(
                self._dialect.path,
                cast_to=object,
                body=_nested(body),
                options={"timeout": seconds},
                stream=True,
                stream_cls=AsyncStream[object],
            )


def _nested(body: Body) -> Body:
    """Return a body with each field that has a dot in its name inside another; what that holds already stands above."""
    nested = {name: value for name, value in body.items() if "." not in name}
    for name in body.keys() - nested.keys():
        outer, _, inner = name.partition(".")
        given = nested.get(outer, {})
        nested[outer] = {inner: body[name], **given} if isinstance(given, dict) else given
    return nested


def _may_be_billed(failure: BaseException) -> bool:
    return bool(getattr(failure, "may_be_billed", True))


def _dearest(failures: Sequence[BaseException]) -> BaseException:
    """Return the failure to tell of: of several the first of those that may cost something."""
    return next((failure for failure in failures if _may_be_billed(failure)), failures[0])


def _ended(candidate: Candidate, task: Task) -> Candidate:
    """Return a candidate without what follows a stop text, which a model that takes none goes on after."""
    cutter = StopCutter(task.sampling.stop)
    text = (cutter.feed(candidate.text) + cutter.end()).strip()
    if not cutter.has_stopped:
        return replace(candidate, text=text)
    return replace(candidate, text=text, finish_reason=FinishReason.STOP if text else FinishReason.EMPTY)


async def _next(chunks: AsyncGenerator[Chunk, None], seconds: float) -> Chunk | None:
    async with asyncio.timeout(seconds):
        return await anext(chunks, None)


@contextlib.asynccontextmanager
async def open_client(base_url: str, api_key: str) -> AsyncIterator[AsyncOpenAI]:
    """Open a client that never repeats a call by itself: a call that timed out may have been paid for already."""
    # A proxy that the environment names is no way to this machine.
    transport = DefaultAsyncHttpxClient(trust_env=not is_this_machine(base_url))
    # Without any key the SDK would take another provider's from the environment.
    async with AsyncOpenAI(
        base_url=base_url, api_key=api_key or "none", max_retries=0, http_client=transport
    ) as client:
        client.organization = client.project = None
        yield client
