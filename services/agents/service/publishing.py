"""Publishing: a text goes out once for every workflow, unless the agent was stopped before, or it is taken back."""

from functools import partial

from services.agents.domain.proposals import Pass
from services.agents.domain.records import Passed, PassReason
from services.agents.ports.neighbours import Refused, SocialPort, TradingPort
from services.agents.ports.stored import Post, Progress
from services.agents.ports.workflows import Run, StepFailed
from services.agents.service.capabilities import NetworkCapabilities
from services.agents.service.cast import Cast
from services.agents.service.effects import Effects
from services.agents.service.settling import persistent, settled, withdrawn

_STOPPED = Pass(Passed(PassReason.STOPPED_BEFORE_SENDING))


class Publisher:
    """Publishes texts of agents, and takes them back."""

    def __init__(
        self,
        cast: Cast,
        effects: Effects,
        social: SocialPort,
        trading: TradingPort,
        capabilities: NetworkCapabilities,
        timeout_seconds: float,
    ) -> None:
        """Take how long to wait for a post whose outcome is not known yet."""
        self._cast = cast
        self._effects = effects
        self._social = social
        self._trading = trading
        self._capabilities = capabilities
        self._timeout_seconds = timeout_seconds

    async def publish(
        self, run: Run, name: str, agent_id: str, text: str, in_reply_to: str = "", *, is_last: bool = False
    ) -> Post | Pass:
        """Publish a text once for every name, and wait until it is settled; a Pass says why nothing was sent.

        `is_last` says that no step is kept after it.

        Raises StepFailed when it isn't on the network and won't be: what is held for too long is taken back, and what
        may have been sent is waited for until that is known or nobody looks any more.
        """
        send = partial(self._send, name, agent_id, text, in_reply_to)
        try:
            return await settled(run, send, self._social.post, self._timeout_seconds, is_last=is_last)
        except StepFailed as failed:
            if failed.reason == Progress.FAILED.name:
                raise
            return await withdrawn(run, partial(self._withdraw, name, agent_id), failed)

    async def withdraw_held(self, run: Run, agent_id: str) -> None:
        """Take back everything that is held back of an agent, unless it was started again meanwhile."""
        await persistent(run, "withdraw", partial(self._withdraw_held, agent_id))

    async def _send(self, name: str, agent_id: str, text: str, in_reply_to: str) -> Post | Pass:
        """Send a text; what had begun before the agent was stopped is taken back if it can be."""
        agent = await self._effects.begin(agent_id, name, lambda agent: bool(agent.account_id))
        if agent is None:
            return _STOPPED
        if not agent.is_active:
            return await self._social.withdraw(agent.account_id, name) or _STOPPED
        if agent.wallet_id and await self._trading.holds_key(text):
            return Pass(Passed(PassReason.HOLDS_KEY))
        try:
            return await self._social.publish(agent.account_id, text, in_reply_to, name)
        except Refused as refused:
            self._capabilities.learn(agent.account_id, refused)
            if refused.reason != "REPLY_SHARE_USED_UP":
                raise
            return Pass(Passed(PassReason.NETWORK_SHARE_USED_UP))

    async def _withdraw(self, name: str, agent_id: str) -> Post | None:
        """Take back what was to be published by this name, unless it was sent; None when nothing will be."""
        account_id = (await self._cast.character(agent_id)).record.account_id
        return await self._social.withdraw(account_id, name) if account_id else None

    async def _withdraw_held(self, agent_id: str) -> None:
        record = (await self._cast.character(agent_id)).record
        if record.account_id and not record.is_active:
            await self._social.withdraw_held(record.account_id)
