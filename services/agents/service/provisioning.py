"""What an agent needs at the other services: an account, a wallet with its limits, and its first memories.

What is made has a request_id that says what is asked for: to repeat a creation that failed half way completes it.
"""

import asyncio
import contextlib
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.persona import Budget, InitialMemory, Persona, Secrets, names_account, secrets_of
from services.agents.ports.neighbours import (
    Account,
    LlmPort,
    MemoryPort,
    NewMemory,
    NewView,
    Refused,
    SocialPort,
    Source,
    TradingPort,
    View,
    WalletKey,
)
from services.runtime.errors import InvalidRequest, RequestIdReused, Violation, quoted

T = TypeVar("T")

log = logging.getLogger(__name__)

_AT_ONCE = 8
_MAX_SEEDS = 500
_MAX_VIEWS = 400
"""As many of the longest fit a message of 4 MiB."""
_MEMORY_FIELD = "persona.initial_memory"
_AT = re.compile(r"requests\[(\d+)\]")
_NANO = Decimal("1e-9")
"""Smaller parts of a dollar aren't counted."""
_NO_ACCOUNT_SECONDS = 1.0
"""How long the social service is waited for where most likely it has nothing to say."""


class Provisioning:
    """Equips agents."""

    def __init__(
        self, memory: MemoryPort, social: SocialPort, trading: TradingPort, llm: LlmPort, *, falls_back: bool
    ) -> None:
        """Take whether another provider writes for a persona whose own isn't there."""
        self._memory = memory
        self._llm = llm
        self._falls_back = falls_back
        self._social = social
        self._trading = trading

    async def check(self, persona: Persona) -> None:
        """Refuse a persona whose provider isn't there, unless another writes for it.

        Raises InvalidRequest and DependencyUnavailable.
        """
        if not self._falls_back and await self.lacks_provider(persona):
            told = f"the llm service has no provider {quoted(persona.llm.provider)}"
            raise InvalidRequest([Violation("persona.llm_provider", told)])

    async def lacks_provider(self, persona: Persona) -> bool:
        """Tell whether a persona names a provider that isn't there. Raises DependencyUnavailable."""
        return bool(persona.llm.provider) and await self._llm.provider(persona.llm.provider) is None

    async def budget(self, persona: Persona, before: Budget | None = None) -> None:
        """Set what a persona may spend on models in a day, unless it says the same as `before`, or never said anything.

        What an operator has set since stays so until the persona says something else. Raises DependencyUnavailable.
        """
        new, old = persona.budget, before or Budget()
        if (new.llm_usd_per_day, new.llm_tokens_per_day) == (old.llm_usd_per_day, old.llm_tokens_per_day):
            return
        usd = None if new.llm_usd_per_day is None else Decimal(str(new.llm_usd_per_day)).quantize(_NANO)
        with _naming("persona.budget"):
            await self._llm.set_budget(persona.id, usd, new.llm_tokens_per_day)

    async def account(self, persona: Persona, raw: Mapping[str, Any], *, has_one: bool) -> Account | None:
        """Register the account whose credentials the persona has; without them, return the one there is.

        A persona that names none, of an agent that `has_one` neither, is answered for without the social service when
        that isn't there. Raises InvalidRequest when the network or the social service refuses the credentials, and
        DependencyUnavailable.
        """
        if (given := secrets_of(raw).x) is not None:
            with _naming("persona.twitter_credentials"):
                return await self._social.register(persona.id, given)
        if has_one or names_account(raw):
            return await self._social.account_of(persona.id)
        try:
            async with asyncio.timeout(_NO_ACCOUNT_SECONDS):
                return await self._social.account_of(persona.id)
        except (DependencyUnavailable, TimeoutError):
            log.info("no account is looked for: the social service is away", extra={"agent_id": persona.id})
            return None

    async def wallet(self, persona: Persona, secrets: Secrets) -> WalletKey | None:
        """Register the wallet of a persona that trades or has a key, with its limits; None for any other.

        The limits hold from the wallet's first moment on. Later ones only narrow what there is: by then an operator may
        have. Raises InvalidRequest when the trading service refuses key or limits, and DependencyUnavailable.
        """
        if not (persona.trading.is_enabled or secrets.private_key):
            return None
        known = await self._trading.wallet_of(persona.id)
        if known is None:
            return await self._registered(persona, secrets.private_key, None)
        wallet = await self._registered(persona, secrets.private_key, known) if secrets.private_key else known
        with _naming("persona.solana_integration.trade_safety"):
            await self._trading.tighten(wallet.id, persona.trading)
        return wallet

    async def _registered(self, persona: Persona, private_key: str, known: WalletKey | None) -> WalletKey:
        request_id = f"wallet/{persona.id}/{_digest(private_key)}"
        try:
            return await self._trading.register(persona.id, private_key, persona.trading, request_id)
        except Refused as refused:
            # The request names the key: it was registered before, with the limits of an earlier persona.
            if known is not None and refused.reason == RequestIdReused.reason:
                return known
            is_about_limits = any(violation.field.startswith("policy") for violation in refused.violations)
            with _naming(f"persona.solana_integration.{'trade_safety' if is_about_limits else 'private_key'}"):
                raise

    async def memories(self, agent_id: str, initial: InitialMemory, before: InitialMemory | None = None) -> None:
        """Store what a character remembers from the start; with `before`, what has been added to that since.

        Raises InvalidRequest and DependencyUnavailable.
        """
        seeds: list[NewMemory] = []
        stored = Counter((seed.kind, seed.text) for seed in before.seeds) if before else Counter[tuple[str, str]]()
        told: Counter[tuple[str, str]] = Counter()
        for seed in initial.seeds:
            source = Source.SELF if seed.kind == "post" else Source.OPERATOR
            repetition = told[seed.kind, seed.text]
            told[seed.kind, seed.text] += 1
            if repetition < stored[seed.kind, seed.text]:
                continue
            seeds.append(
                NewMemory(
                    seed.text, seed.kind, source, seed.importance, occur_time=seed.occur_time, repetition=repetition
                )
            )
        with _naming(_MEMORY_FIELD):
            # To repeat these is to have them once; who is created again under an id that was deleted has them again.
            await _all(
                [
                    partial(self._memory.remember_all, agent_id, seeds[first : first + _MAX_SEEDS])
                    for first in range(0, len(seeds), _MAX_SEEDS)
                ]
            )

    async def introduce(self, personas: Sequence[Persona], places: Sequence[str]) -> None:
        """Store whom new characters know, in as few calls as there can be.

        Raises DependencyUnavailable, and InvalidRequest with the fields of those at these places.
        """
        views = [_views(persona) for persona in personas]
        whose = [place for place, some in zip(places, views, strict=True) for _ in some]
        await self._set_views([view for some in views for view in some], whose)

    async def introduce_more(self, persona: Persona, before: InitialMemory) -> None:
        """Store whom a character knows whom it didn't know before; whom it has met meanwhile it knows better.

        Raises InvalidRequest and DependencyUnavailable.
        """
        known = {seed.counterpart for seed in before.relationships}
        views = [view for view in _views(persona) if view.counterpart not in known]
        held = await _all([partial(self._memory.view_of, persona.id, view.counterpart) for view in views])
        new = [view for view, one in zip(views, held, strict=True) if one is None]
        await self._set_views(new, [""] * len(new))

    async def _set_views(self, views: Sequence[NewView], places: Sequence[str]) -> None:
        async def some(first: int) -> None:
            try:
                await self._memory.set_views(views[first : first + _MAX_VIEWS])
            except Refused as refused:
                at = {int(found[1]) for one in refused.violations if (found := _AT.match(one.field))}
                whose = dict.fromkeys(places[first + number] for number in sorted(at)) or {places[first]: None}
                told = [Violation(f"{place}{_MEMORY_FIELD}", refused.message) for place in whose]
                raise InvalidRequest(told) from refused

        await _all([partial(some, first) for first in range(0, len(views), _MAX_VIEWS)])


def _views(persona: Persona) -> list[NewView]:
    return [
        NewView(persona.id, seed.counterpart, View(seed.sentiment, seed.familiarity, seed.trust, notes=seed.notes))
        for seed in persona.memory.relationships
    ]


async def _all(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make all calls, a few at once, and return what they did; the first that fails ends the others."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(call: Callable[[], Awaitable[T]]) -> T:
        async with free:
            return await call()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(call)) for call in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


@contextlib.contextmanager
def _naming(field: str) -> Iterator[None]:
    """Turn another service's refusal into a violation of the field that it is about."""
    try:
        yield
    except Refused as refused:
        raise InvalidRequest([Violation(field, refused.message)]) from refused


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
