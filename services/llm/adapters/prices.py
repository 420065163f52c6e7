"""What models cost: nothing on this machine, what the settings say, or what a well-kept table says."""

import asyncio
import importlib
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from importlib.metadata import version
from types import ModuleType

from typing_extensions import override

from services.llm.domain.usage import NANOS_PER_DOLLAR, Usage
from services.llm.ports import Tariff
from services.llm.settings import ProviderSettings, is_this_machine

_MILLION = 10**6


class Free(Tariff):
    """Costs nothing, as what runs on this machine."""

    source = ""

    @override
    async def cost(self, model: str, usage: Usage) -> int | None:
        return 0


class Given(Tariff):
    """Prices of a setting."""

    def __init__(self, variable: str, dollars_per_million: Sequence[Decimal]) -> None:
        """Take what a million tokens cost: those read, those written, and, if they differ, those that were cached."""
        self.source = variable
        self._read, self._written, *rest = dollars_per_million
        self._cached = rest[0] if rest else self._read

    @override
    async def cost(self, model: str, usage: Usage) -> int | None:
        read = usage.prompt_tokens - usage.cached_tokens
        millionths = read * self._read + usage.cached_tokens * self._cached + usage.completion_tokens * self._written
        return _nanos(millionths / _MILLION)


class Table(Tariff):
    """Prices of the package `genai-prices`, for a provider by its URL; loaded with the first call, in a thread."""

    def __init__(self, base_url: str) -> None:
        self.source = f"genai-prices {version('genai-prices')}"
        self._base_url = base_url

    @override
    async def cost(self, model: str, usage: Usage) -> int | None:
        prices = _loaded[0] if _loaded else await asyncio.to_thread(_load)
        counts = {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens}
        if usage.cached_tokens:
            counts["cache_read_tokens"] = usage.cached_tokens
        try:
            found = prices.calc_price(prices.Usage(**counts), model_ref=model, provider_api_url=self._base_url)
        except LookupError:
            return None
        return _nanos(found.total_price)


def tariff_of(settings: ProviderSettings) -> Tariff:
    """Return what the models of a provider cost."""
    if settings.usd_per_million:
        return Given(f"PUPPET_LLM_{settings.name.upper()}_USD_PER_MILLION", settings.usd_per_million)
    if settings.name in {"fake", "local"} or is_this_machine(settings.base_url):
        return Free()
    return Table(settings.base_url)


_loaded: list[ModuleType] = []


def _load() -> ModuleType:
    # It takes a second to import, and 30 MB.
    _loaded[:] = [importlib.import_module("genai_prices")]
    return _loaded[0]


def _nanos(dollars: Decimal) -> int:
    return int((dollars * NANOS_PER_DOLLAR).to_integral_value(ROUND_CEILING))
