"""Wires the llm service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from types import ModuleType

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1 import llm_service_pb2_grpc as pb_grpc
from services.llm.adapters.capabilities import Capabilities, Models
from services.llm.adapters.dialects import ChatDialect, CompletionDialect, Dialect
from services.llm.adapters.fake import FakeProvider
from services.llm.adapters.opening import OpenedWhenAsked
from services.llm.adapters.withholding import Withholding
from services.llm.ports import Provider
from services.llm.service.providers import Providers
from services.llm.servicer import LlmServicer
from services.llm.settings import LlmSettings, ProviderSettings
from services.runtime.deferred import Deferred
from services.runtime.rpc.server import Lifecycle, Mounted, Opener
from services.runtime.text.fingerprints import Fingerprints


def opener(settings: LlmSettings) -> Opener:
    """Return what opens the service with these settings."""

    @contextlib.asynccontextmanager
    async def open_service(_lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        async with open_providers(settings) as providers:
            yield [
                Mounted(
                    pb.DESCRIPTOR.services_by_name["LlmService"],
                    pb_grpc.add_LlmServiceServicer_to_server,
                    LlmServicer(providers),
                )
            ]

    return open_service


@contextlib.asynccontextmanager
async def open_providers(settings: LlmSettings) -> AsyncIterator[Providers]:
    """Open the providers of these settings."""
    async with contextlib.AsyncExitStack() as stack:
        limit = settings.default_max_tokens
        opened = [await stack.enter_async_context(_opened(each, limit)) for each in settings.providers]
        yield Providers(_withholding(opened, settings), settings.default_deadline_seconds)


def _withholding(opened: Sequence[Provider], settings: LlmSettings) -> Sequence[Provider]:
    """Have no model write what is a key of any of the providers."""
    values = [key for each in settings.providers if (key := each.api_key.get_secret_value())]
    if not values:
        return opened
    keys = Fingerprints()
    keys.add(values)
    return [Withholding(provider, keys) for provider in opened]


@contextlib.asynccontextmanager
async def _opened(settings: ProviderSettings, default_max_tokens: int) -> AsyncIterator[Provider]:
    if settings.name == "fake":
        yield FakeProvider()
        return
    dialect = _dialect(settings)
    models = Models(settings.name, Capabilities(leave_out=settings.leave_out, add=settings.add))

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
                max_tokens=settings.max_tokens or default_max_tokens,
                thinking_tokens=settings.thinking_tokens,
            )

    async with Deferred(opened) as provider:
        yield OpenedWhenAsked(settings.name, shows_background=dialect.shows_background, provider=provider)


def _openai() -> ModuleType:
    # The SDK takes most of a second to import, and 25 MB.
    from services.llm.adapters import openai

    return openai


def _dialect(settings: ProviderSettings) -> Dialect:
    if settings.dialect == "completion":
        return CompletionDialect(settings.logprobs)
    return ChatDialect(settings.logprobs)
