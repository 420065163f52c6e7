"""Accounts on networks, and what they may do there."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlmodel import BigInteger, DateTime, Field, SQLModel

from services.runtime.columns import text_of
from services.social.domain.text import MAX_POST_LENGTH


class NetworkName(StrEnum):
    """A social network."""

    X = "x"


class Tier(StrEnum):
    """How much of its API a network opens to the app: everything, or what X's self-serve plans include."""

    FULL = "full"
    SELF_SERVE = "self_serve"


class ReplyScope(StrEnum):
    """Whom an account may reply to."""

    MENTIONED = "mentioned"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a tier allows; the length is in weighted characters."""

    reply_scope: ReplyScope
    can_quote: bool
    can_like: bool
    can_post: bool = True
    can_repost: bool = True
    max_post_length: int = MAX_POST_LENGTH


CAPABILITIES = {
    Tier.FULL: Capabilities(ReplyScope.ALL, can_quote=True, can_like=True),
    Tier.SELF_SERVE: Capabilities(ReplyScope.MENTIONED, can_quote=False, can_like=False),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """The OAuth 1.0a user context of an X app; none of it shows in a repr."""

    api_key: str = field(repr=False)
    api_key_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """Who the network says some credentials belong to."""

    user_id: str
    handle: str


class Account(SQLModel, table=True):
    """An agent's account on a network, with its sealed credentials."""

    id: str = Field(primary_key=True)
    agent_id: str
    network: NetworkName = Field(sa_type=text_of(NetworkName))
    handle: str
    network_user_id: str
    sealed_credentials: str
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    posts_a_day: int = Field(default=0, sa_type=BigInteger)
    """How many posts in 24 hours the network last said it may make; 0 when it has never said so."""

    def belongs_to(self, agent_id: str, profile: Profile) -> bool:
        """Tell whether it is this agent's account with this profile, whose handle may have changed since."""
        return self.agent_id == agent_id and self.network_user_id == profile.user_id
