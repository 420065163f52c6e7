"""Why the agents service refuses a call."""

from collections.abc import Mapping

from services.agents.domain.trading.model import WRAPPED_SOL, sol
from services.runtime import errors


class AgentNotFound(errors.NotFound):
    """No agent has this id."""

    reason = "AGENT_NOT_FOUND"

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"no agent {agent_id!r}", id=agent_id)


class EventNotFound(errors.NotFound):
    """No event has this id."""

    reason = "EVENT_NOT_FOUND"

    def __init__(self, event_id: str) -> None:
        super().__init__(f"no event {event_id!r}", id=event_id)


class VouchingDenied(errors.Forbidden):
    """Only an operator vouches for news."""

    reason = "PERMISSION_DENIED"

    def __init__(self) -> None:
        super().__init__("only an operator may publish news as the operator's; publish them as EXTERNAL")


class PersonaVersionNotFound(errors.NotFound):
    """The agent's persona has no version of this number, or has it no more."""

    reason = "PERSONA_VERSION_NOT_FOUND"

    def __init__(self, agent_id: str, number: int) -> None:
        super().__init__(f"agent {agent_id!r} has no version {number} of its persona", id=agent_id)


class AgentExists(errors.AlreadyExists):
    """An agent with this id exists."""

    reason = "AGENT_EXISTS"

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"agent {agent_id!r} exists", id=agent_id)


class AgentBeingDeleted(errors.WrongState):
    """The agent is being deleted."""

    reason = "AGENT_BEING_DELETED"

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"agent {agent_id!r} is being deleted", id=agent_id)


class WalletNotEmpty(errors.WrongState):
    """The agent's wallet holds something: these base units, by their mints."""

    reason = "WALLET_NOT_EMPTY"

    def __init__(self, wallet_id: str, held: Mapping[str, int]) -> None:
        balances = ", ".join(f"{amount} of {mint}" for mint, amount in held.items())
        words = ", ".join(_holding(mint, amount) for mint, amount in held.items())
        super().__init__(
            f"the wallet {wallet_id!r} holds {words}: empty it, or keep it", id=wallet_id, balances=balances
        )


def _holding(mint: str, amount: int) -> str:
    return f"{sol(amount)} SOL" if mint == WRAPPED_SOL else f"{amount:,} base units of {mint}"


class AgentInactive(errors.WrongState):
    """The agent is stopped."""

    reason = "AGENT_INACTIVE"

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"agent {agent_id!r} is stopped; start it first", id=agent_id)


class NoAccount(errors.WrongState):
    """The agent has no account to post from."""

    reason = "NO_ACCOUNT"

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"agent {agent_id!r} has no account to post from", id=agent_id)


class TradingDisabled(errors.WrongState):
    """The agent has no wallet, or its persona doesn't enable trading."""

    reason = "TRADING_DISABLED"

    def __init__(self, agent_id: str) -> None:
        super().__init__(f"agent {agent_id!r} has no wallet, or its persona doesn't enable trading", id=agent_id)


class DependencyUnavailable(errors.Unavailable):
    """Another service of the suite did not answer, or can't serve now; `because` is its own reason, if it gave one."""

    reason = "DEPENDENCY_UNAVAILABLE"

    def __init__(
        self, dependency: str, retry_after: float = 1.0, cause: str = "is not available", because: str = ""
    ) -> None:
        super().__init__(f"the {dependency} service {cause}", retry_after, dependency=dependency)
        self.because = because


class DraftNotFound(errors.NotFound):
    """No draft has this id."""

    reason = "DRAFT_NOT_FOUND"

    def __init__(self, draft_id: str) -> None:
        super().__init__(f"no draft {draft_id!r}", id=draft_id)


class DraftDecided(errors.WrongState):
    """Somebody has decided about the draft before."""

    reason = "DRAFT_DECIDED"

    def __init__(self, draft_id: str, state: str) -> None:
        super().__init__(f"draft {draft_id!r} doesn't wait any more: it is {state}", id=draft_id, state=state)


class DraftExpired(errors.WrongState):
    """The draft's time is over."""

    reason = "DRAFT_EXPIRED"

    def __init__(self, draft_id: str) -> None:
        super().__init__(f"draft {draft_id!r} has waited too long; nothing comes of it any more", id=draft_id)


class DraftNotEditable(errors.WrongState):
    """The draft is no text."""

    reason = "DRAFT_NOT_EDITABLE"

    def __init__(self, draft_id: str) -> None:
        super().__init__(f"draft {draft_id!r} is a trade, which is approved or rejected as it is", id=draft_id)


class ActivityNotFound(errors.NotFound):
    """Nothing that is kept has this id, or has made what has it."""

    reason = "ACTIVITY_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"no activity is known by {name!r}", id=name)


class PostNotFound(errors.NotFound):
    """The network shows no such post."""

    reason = "POST_NOT_FOUND"

    def __init__(self, network_post_id: str) -> None:
        super().__init__(f"the network shows no post {network_post_id!r}", id=network_post_id)


class NotReplyable(errors.WrongState):
    """The network doesn't let the agent answer a post."""

    reason = "NOT_REPLYABLE"

    def __init__(self, network_post_id: str, why: str, reply_scope: str) -> None:
        super().__init__(f"post {network_post_id!r} can't be answered: {why}", reply_scope=reply_scope)


class AlreadyAnswered(errors.WrongState):
    """The agent has answered a post, or may have."""

    reason = "ALREADY_ANSWERED"

    def __init__(self, network_post_id: str, workflow_id: str, *, is_sure: bool) -> None:
        told = "is answered" if is_sure else "may be answered: nobody knows what became of that"
        super().__init__(f"post {network_post_id!r} {told}", workflow_id=workflow_id)
