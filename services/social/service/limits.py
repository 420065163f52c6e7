"""The one place that knows limits: what the network tells is kept, and nobody calls it while that holds them back."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from services.runtime.clock import Clock
from services.runtime.errors import PuppetError, WrongState
from services.runtime.telemetry import Gauge
from services.social.domain.accounts import Account, Credentials
from services.social.domain.capabilities import PostQuota
from services.social.domain.errors import (
    USED_UP_FOR,
    WITHHELD_FOR,
    CredentialsRefused,
    NetworkRateLimited,
    ReplyShareUsedUp,
)
from services.social.domain.limits import (
    DAY,
    WINDOWS,
    Action,
    Limit,
    Quota,
    ReportedLimit,
    Scope,
    last_reset,
    next_try,
)
from services.social.domain.network import WITHHELD, Cause, RateLimited, Unauthorized
from services.social.ports import Network, Records, Store, Vault

LEFT = Gauge(
    "puppet.network.limit.remaining", "{call}", "What a network has left an account or an app, as it said last."
)
_WITHHOLDING = frozenset((Action.POST, Action.TIMELINE, Action.MENTIONS))
"""What is left alone for a while when it is refused to an account. What else is read has a substitute, or is rare."""


class Limits:
    """Keeps the limits of accounts and apps."""

    def __init__(self, store: Store, vault: Vault, network: Network, clock: Clock, quota: Quota) -> None:
        self._store = store
        self._vault = vault
        self._network = network
        self._clock = clock
        self._quota = quota

    @contextlib.asynccontextmanager
    async def reading(self, account: Account, action: Action) -> AsyncIterator[Credentials]:
        """Let the network be read within the block with these credentials, and keep what it tells of its limits.

        Raises CredentialsRefused; and while something holds the account or its app back NetworkRateLimited, or what
        derives from it, AccountLocked and NotCapable.
        """
        credentials = self._vault.unseal(account.sealed_credentials)
        async with self._store.reading() as records:
            known = await records.limits(self._holders(account))
        if limit := last_reset(known, action, self._clock.now()):
            raise self.error(account, _held_by(limit))
        reported: list[ReportedLimit] = []
        over: list[Limit] = []
        try:
            yield credentials
            over = [limit for limit in known if limit.is_over_with(action, self._clock.now())]
        except tuple(WITHHELD_FOR.values()) as refused:
            reported = self._refused(refused, action)
            raise
        except NetworkRateLimited as limited:
            await self._note(account, credentials, self._worth_keeping(credentials), [])
            # How long the network is left alone depends on how often it has said so.
            if held := await self.held(account, action):
                raise self.error(account, replace(held, reason=limited.message)) from limited
            raise
        finally:
            await self._note(account, credentials, [*self._worth_keeping(credentials), *reported], over)

    async def held(self, account: Account, action: Action) -> RateLimited | Unauthorized | None:
        """Return what holds an account back from this now."""
        async with self._store.reading() as records:
            return await self.held_within(records, account, action)

    async def held_within(
        self, records: Records, account: Account, action: Action
    ) -> RateLimited | Unauthorized | None:
        """Return what holds an account back from this now, within a transaction."""
        limit = last_reset(await records.limits(self._holders(account)), action, self._clock.now())
        return _held_by(limit) if limit else None

    def error(self, account: Account, held: RateLimited | Unauthorized) -> PuppetError:
        """Return the error of what is held back."""
        if held.cause in WITHHELD:
            return WITHHELD_FOR[held.cause](held.reason, account_id=account.id)
        now = self._clock.now()
        seconds = max(0.0, ((held.until or now) - now).total_seconds())
        return USED_UP_FOR[held.cause](held.reason, seconds, f"@{account.handle}")

    async def learn(self, records: Records, account: Account, credentials: Credentials) -> None:
        """Keep what the network has told since it was asked last, within a transaction."""
        await self._keep(records, account, credentials.app, self._worth_keeping(credentials))

    async def settle(
        self, records: Records, account: Account, held: RateLimited | Unauthorized
    ) -> RateLimited | Unauthorized:
        """Return a refusal of a post with the time when the network is asked again, until when nothing is posted."""
        if held.until is not None:
            return held
        if held.cause not in WITHHELD and (known := await self.held_within(records, account, Action.POST)):
            return replace(held, until=known.until)
        reported = ReportedLimit(Scope.ACCOUNT, Action.POST, WINDOWS[held.cause], 0, 0, None)
        [limit] = await self._keep(records, account, "", [reported], held.reason)
        return replace(held, until=limit.reset_time)

    async def post_went_out(self, records: Records, account: Account) -> None:
        """Note that whatever held the account back from posting is over."""
        known, now = await records.limits(self._holders(account)), self._clock.now()
        if over := [limit for limit in known if limit.is_over_with(Action.POST, now)]:
            await records.remove_limits(over)

    async def check_share(self, records: Records, account: Account) -> None:
        """Leave an account its share of the day for posts of its own. Raises ReplyShareUsedUp."""
        now = self._clock.now()
        limit = (await self.quota(records, account)).max_replies
        if limit is None:
            return
        # When this one is a day old there is room for another.
        before = await records.latest_reply(account.id, limit, now - DAY) if limit else now
        if before is not None:
            raise ReplyShareUsedUp(account.handle, limit, (before + DAY - now).total_seconds())

    async def quota(self, records: Records, account: Account) -> PostQuota:
        """Return how much an account may post in 24 hours, as far as that is set or told."""
        return self._quota.of(await records.limits(self._holders(account)))

    async def forget(self, records: Records, account: Account) -> None:
        """Let an account and its app try again at once: somebody has just seen to them."""
        await records.forget_limits(self._holders(account))

    async def forgive(self, records: Records, account: Account) -> None:
        """Let an account post at once that was refused to do so: somebody asks for it once more."""
        known = await records.limits([account.id])
        withheld = [limit for limit in known if limit.cause in WITHHELD and limit.action is Action.POST]
        await records.remove_limits(withheld)

    async def _note(
        self, account: Account, credentials: Credentials, reported: Sequence[ReportedLimit], over: Sequence[Limit]
    ) -> None:
        if reported or over:
            async with self._store.writing() as records:
                await records.remove_limits(over)
                await self._keep(records, account, credentials.app, reported)
                await records.commit()

    async def _keep(
        self, records: Records, account: Account, app: str, reported: Sequence[ReportedLimit], reason: str = ""
    ) -> list[Limit]:
        """Keep what was told, the latest of each limit; of one that isn't told when it is reset, when to ask again."""
        holders = {Scope.ACCOUNT: account.id, Scope.APP: app}
        latest = {(holders[limit.scope], limit.action, limit.window): limit for limit in reported}
        known: dict[tuple[str, Action, str], Limit] = {}
        if any(limit.reset_time is None for limit in latest.values()):
            known = {
                (limit.holder, limit.action, limit.window): limit for limit in await records.limits([*holders.values()])
            }
        limits = [self._limit(*key, limit, known.get(key), reason) for key, limit in latest.items()]
        await records.put_limits(limits)
        for limit in limits:
            LEFT.set(limit.remaining, holder=limit.holder, action=limit.action.value, window=limit.window)
        return limits

    def _limit(
        self, holder: str, action: Action, window: str, reported: ReportedLimit, before: Limit | None, reason: str
    ) -> Limit:
        begin, reset = None, reported.reset_time
        if reset is None:
            begin, reset = next_try(before, window, self._clock.now())
        return Limit(
            holder=holder,
            action=action,
            window=window,
            allowed=reported.allowed,
            remaining=reported.remaining,
            reset_time=reset,
            begin_time=begin,
            reason=reason or reported.reason,
        )

    def _refused(self, refused: WrongState, action: Action) -> list[ReportedLimit]:
        if action not in _WITHHOLDING:
            return []
        window = WINDOWS[Cause[refused.reason]]
        return [ReportedLimit(Scope.ACCOUNT, action, window, 0, 0, None, refused.message)]

    def _holders(self, account: Account) -> list[str]:
        try:
            return [account.id, self._vault.unseal(account.sealed_credentials).app]
        except CredentialsRefused:
            return [account.id]

    def _worth_keeping(self, credentials: Credentials) -> list[ReportedLimit]:
        """Return what was told; of the limits of a quarter of an hour only those that hold anybody back."""
        return [
            reported for reported in self._network.limits(credentials) if reported.is_used_up or reported.lasts_long
        ]


def _held_by(limit: Limit) -> RateLimited | Unauthorized:
    if limit.cause in WITHHELD:
        return Unauthorized(limit.reason, limit.cause, limit.reset_time)
    which = f" ({limit.allowed} in {limit.window})" if limit.allowed else ""
    return RateLimited(
        limit.reset_time, f"{USED_UP_FOR[limit.cause].words}{which}, as the network has said", limit.cause
    )
