"""The one place that knows limits: what the network tells is kept, and nobody calls it while that holds them back."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from services.runtime.clock import Clock
from services.social.domain.accounts import Account, Credentials
from services.social.domain.errors import USED_UP_FOR, CredentialsRefused, NetworkRateLimited, ReplyShareUsedUp
from services.social.domain.limits import DAY, Action, Limit, LimitTold, Quota, Scope, last_reset
from services.social.domain.network import RateLimited
from services.social.ports import Network, Records, Store, Vault


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

        Raises CredentialsRefused; and NetworkRateLimited, or what derives from it, while a limit holds the account or
        its app back.
        """
        credentials = self._vault.unseal(account.sealed_credentials)
        if held := await self.held(account, action):
            raise self.used_up(account, held)
        try:
            yield credentials
        finally:
            if told := self._worth_keeping(credentials):
                async with self._store.writing() as records:
                    await _keep(records, account, credentials, told)
                    await records.commit()

    async def held(self, account: Account, action: Action) -> RateLimited | None:
        """Return what holds an account back from this now."""
        async with self._store.reading() as records:
            limits = await records.limits(self._holders(account))
        if (limit := last_reset(limits, action, self._clock.now())) is None:
            return None
        return RateLimited(limit.reset_time, _in_words(limit), limit.cause)

    def used_up(self, account: Account, limited: RateLimited) -> NetworkRateLimited:
        """Return the error of what a limit holds back."""
        seconds = max(0.0, (limited.until - self._clock.now()).total_seconds())
        return USED_UP_FOR[limited.cause](limited.reason, seconds, f"@{account.handle}")

    async def learn(self, records: Records, account: Account, credentials: Credentials) -> None:
        """Keep what the network has told since it was asked last, within a transaction."""
        await _keep(records, account, credentials, self._worth_keeping(credentials))

    async def check_share(self, records: Records, account: Account) -> None:
        """Leave an account its share of the day for posts of its own. Raises ReplyShareUsedUp."""
        now = self._clock.now()
        most = self._quota.replies_a_day(await records.limits(self._holders(account)))
        if most is None:
            return
        # When this one is a day old there is room for another.
        before = await records.latest_reply(account.id, most, now - DAY) if most else now
        if before is not None:
            raise ReplyShareUsedUp(account.handle, most, (before + DAY - now).total_seconds())

    async def forget(self, records: Records, account: Account) -> None:
        """Let an account and its app try again at once: somebody has just seen to them."""
        await records.forget_limits(self._holders(account))

    def _holders(self, account: Account) -> list[str]:
        try:
            return [account.id, self._vault.unseal(account.sealed_credentials).app]
        except CredentialsRefused:
            return [account.id]

    def _worth_keeping(self, credentials: Credentials) -> list[LimitTold]:
        """Return what was told; of the limits of a quarter of an hour only those that hold anybody back."""
        return [told for told in self._network.limits(credentials) if told.is_used_up or told.lasts_long]


async def _keep(records: Records, account: Account, credentials: Credentials, told: Sequence[LimitTold]) -> None:
    holders = {Scope.ACCOUNT: account.id, Scope.APP: credentials.app}
    latest = {(limit.scope, limit.action, limit.window): limit for limit in told}
    limits = [
        Limit(
            holder=holders[limit.scope],
            action=limit.action,
            window=limit.window,
            allowed=limit.allowed,
            remaining=limit.remaining,
            reset_time=limit.reset_time,
        )
        for limit in latest.values()
    ]
    await records.put_limits(limits)


def _in_words(limit: Limit) -> str:
    which = f" ({limit.allowed} in {limit.window})" if limit.allowed else ""
    return f"{USED_UP_FOR[limit.cause].words}{which}, as the network has said"
