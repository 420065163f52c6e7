"""Wires the llm service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1 import llm_service_pb2_grpc as pb_grpc
from services.llm.adapters.bounds import MostTokens
from services.llm.adapters.capabilities import Capabilities, Models
from services.llm.adapters.dialects import ChatDialect, CompletionDialect, Dialect
from services.llm.adapters.fake import FakeProvider
from services.llm.adapters.opening import OpenedWhenAsked
from services.llm.adapters.prices import tariff_of
from services.llm.adapters.responses import ResponsesDialect
from services.llm.adapters.schemas import JsonSchemas
from services.llm.adapters.sql import SqlRecords
from services.llm.adapters.withholding import Withholding
from services.llm.domain.usage import read_dollars
from services.llm.ports import Bounds, Guarded, Provider, Store
from services.llm.service.breaker import Breaking
from services.llm.service.cached import Cached
from services.llm.service.fitting import Fitting
from services.llm.service.ledger import Ledger
from services.llm.service.metered import Metered
from services.llm.service.providers import Providers
from services.llm.service.repeats import Repeats
from services.llm.servicer import LlmServicer
from services.llm.settings import LlmSettings, ProviderSettings
from services.runtime.background import repeating
from services.runtime.clock import SystemClock
from services.runtime.db import Database
from services.runtime.deferred import Deferred
from services.runtime.rpc.server import Lifecycle, Mounted, Opener
from services.runtime.sql import SqlStore
from services.runtime.text.fingerprints import Fingerprints
from services.runtime.tidying import TIDY_SECONDS, Tidying

_LAPSED_SECONDS = 5.0
_ANSWERS_SECONDS = 300.0
"""How often answers are deleted that are too old: they are words."""


def opener(settings: LlmSettings) -> Opener:
    """Return what opens the service with these settings."""

    @contextlib.asynccontextmanager
    async def open_service(_lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        async with (
            open_store(settings) as store,
            open_ledger(settings, store) as ledger,
            open_repeats(settings, store) as repeats,
            open_providers(settings, ledger) as providers,
        ):
            yield [
                Mounted(
                    pb.DESCRIPTOR.services_by_name["LlmService"],
                    pb_grpc.add_LlmServiceServicer_to_server,
                    LlmServicer(providers, ledger, repeats),
                )
            ]

    return open_service


@contextlib.asynccontextmanager
async def open_store(settings: LlmSettings) -> AsyncIterator[SqlStore[SqlRecords]]:
    """Open the database of these settings."""
    database = Database(settings.sql_url("llm"))
    try:
        await database.migrate(Path(__file__).with_name("migrations"))
        yield SqlStore(database, SqlRecords)
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def open_ledger(settings: LlmSettings, store: Store) -> AsyncIterator[Ledger]:
    """Open the books, and what goes on beside the calls."""
    async with contextlib.AsyncExitStack() as stack:
        ledger = Ledger(store, settings.lease_seconds)
        stack.push_async_callback(ledger.settled)
        if settings.usd_per_day:
            await ledger.limit_at_first(read_dollars(settings.usd_per_day))
        # The first round settles what a process left that was killed.
        await stack.enter_async_context(repeating("attempts", _LAPSED_SECONDS, ledger.release_lapsed))
        await stack.enter_async_context(repeating("tidying", TIDY_SECONDS, ledger.tidy))
        yield ledger


@contextlib.asynccontextmanager
async def open_repeats(settings: LlmSettings, store: SqlStore[SqlRecords]) -> AsyncIterator[Repeats]:
    """Open what knows requests that are repeated, and forgets them in time."""
    repeats = Repeats(store, timedelta(hours=settings.answer_hours))
    tidying = Tidying(store, SystemClock(), timedelta(days=settings.request_days))
    async with (
        repeating("answers", _ANSWERS_SECONDS, repeats.tidy),
        repeating("requests", TIDY_SECONDS, tidying.tidy),
    ):
        yield repeats


@contextlib.asynccontextmanager
async def open_providers(settings: LlmSettings, ledger: Ledger) -> AsyncIterator[Providers]:
    """Open the providers of these settings, each of which is metered by the ledger."""
    async with contextlib.AsyncExitStack() as stack:
        opened = [(each, await stack.enter_async_context(_opened(each, settings))) for each in settings.providers]
        withheld = _withholding([provider for _, (provider, _) in opened], settings)
        schemas = JsonSchemas()
        metered = [
            _kept(Fitting(Metered(Breaking(provider), ledger, tariff_of(each), bounds), schemas), settings)
            for provider, (each, (_, bounds)) in zip(withheld, opened, strict=True)
        ]
        yield Providers(metered, settings.default_deadline_seconds)


def _kept(provider: Guarded, settings: LlmSettings) -> Guarded:
    limit = int(settings.cache_mib * 2**20)
    return Cached(provider, limit, settings.cache_seconds) if limit else provider


def _withholding(opened: Sequence[Provider], settings: LlmSettings) -> Sequence[Provider]:
    """Have no model write what is a key of any of the providers."""
    values = [key for each in settings.providers if (key := each.api_key.get_secret_value())]
    if not values:
        return opened
    keys = Fingerprints()
    keys.add(values)
    return [Withholding(provider, keys) for provider in opened]


@contextlib.asynccontextmanager
async def _opened(settings: ProviderSettings, suite: LlmSettings) -> AsyncIterator[tuple[Provider, Bounds]]:
    dialect = _dialect(settings)
    own = Capabilities(settings.leave_out, dialect.renames, settings.add, takes_n=dialect.takes_n)
    models = Models(settings.name, own)
    bounds = MostTokens(settings, models, settings.max_tokens or suite.default_max_tokens)
    if settings.name == "fake":
        yield FakeProvider(), bounds
        return

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Provider]:
        openai = await asyncio.to_thread(_openai)
        async with openai.open_client(settings.base_url, settings.api_key.get_secret_value()) as client:
            yield openai.OpenAiProvider(
                settings.name,
                client,
                dialect,
                models,
                settings.model,
                concurrency=settings.concurrency,
                choices=settings.choices,
                timeout_seconds=settings.timeout_seconds,
                max_tokens=bounds.max_tokens,
                thinking_tokens=settings.thinking_tokens,
                embedding_model=settings.embedding_model,
                needs_model=settings.needs_model,
            )

    async with Deferred(opened) as provider:
        opened_when_asked = OpenedWhenAsked(settings.name, shows_background=dialect.shows_background, provider=provider)
        yield opened_when_asked, bounds


def _openai() -> ModuleType:
    # The SDK takes most of a second to import, and 25 MB.
    from services.llm.adapters import openai

    return openai


def _dialect(settings: ProviderSettings) -> Dialect:
    if settings.dialect == "completion":
        return CompletionDialect(settings.logprobs)
    if settings.dialect == "responses":
        return ResponsesDialect()
    return ChatDialect(settings.logprobs)
