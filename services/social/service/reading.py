"""What others write, read from the network: mentions of an account, and the conversations that they are part of."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.runtime.clock import Clock
from services.runtime.pages import Page, Paged
from services.social.domain.limits import Action
from services.social.domain.network import Conversation, Mention
from services.social.ports import Network
from services.social.service.accounts import Accounts
from services.social.service.limits import Limits

_KEPT = timedelta(minutes=10)
_MAX_KEPT = 64


class Reading:
    """Reads for accounts; what was read for a page and didn't fit on it isn't read again for the next one."""

    def __init__(self, accounts: Accounts, network: Network, limits: Limits, clock: Clock) -> None:
        self._accounts = accounts
        self._network = network
        self._limits = limits
        self._clock = clock
        self._rest: OrderedDict[tuple[str, str], tuple[datetime, Sequence[Mention]]] = OrderedDict()
        """The mentions after those of a page, by the account and the last id on the page. Other replicas read anew."""

    async def mentions(self, account_id: str, after: str, page: Page) -> Paged[Mention]:
        """Return mentions after this one, the oldest first; without one the latest, as one page.

        The key of a page is the id of its last mention. Raises AccountNotFound, and what the network raises.
        """
        account = await self._accounts.get(account_id)
        if page.after:
            (after,) = page.after
        else:
            await self._accounts.refresh(account)
        mentions = self._kept(account_id, after) if page.after else None
        if mentions is None:
            async with self._limits.reading(account, Action.MENTIONS) as credentials:
                user_id = account.network_user_id
                if not after:
                    latest = await self._network.latest_mentions(credentials, user_id, page.size)
                    return Paged.cut(latest, page, _place)
                mentions = await self._network.mentions_after(credentials, user_id, after)
        paged = Paged.cut(mentions, page, _place)
        if paged.next_key:
            self._keep(account_id, paged.next_key[0], mentions[page.size :])
        return paged

    async def conversation(
        self, account_id: str, network_post_id: str, conversation_id: str, limit: int
    ) -> Conversation:
        """Return up to `limit` posts of the conversation that a post is part of, the oldest first.

        Raises AccountNotFound, and what the network raises.
        """
        account = await self._accounts.get(account_id)
        async with self._limits.reading(account, Action.SEARCH) as credentials:
            return await self._network.conversation(credentials, network_post_id, conversation_id, limit)

    def _keep(self, account_id: str, last: str, mentions: Sequence[Mention]) -> None:
        self._rest[account_id, last] = self._clock.now() + _KEPT, mentions
        while len(self._rest) > _MAX_KEPT:
            self._rest.popitem(last=False)

    def _kept(self, account_id: str, last: str) -> Sequence[Mention] | None:
        until, mentions = self._rest.get((account_id, last), (self._clock.now(), None))
        return mentions if until > self._clock.now() else None


def _place(mention: Mention) -> tuple[str]:
    return (mention.network_post_id,)
