"""Accounts on networks."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import DateTime, Field, SQLModel

from services.runtime.columns import text_of

_HANDLE_AGE = timedelta(days=1)


class NetworkName(StrEnum):
    """A social network."""

    X = "x"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The OAuth 1.0a user context of an X app; none of it shows in a repr."""

    api_key: str = field(repr=False)
    api_key_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)

    @property
    def app(self) -> str:
        """The app's name here: accounts with the same key share its limits."""
        return f"app_{hashlib.sha256(self.api_key.encode()).hexdigest()[:32]}"


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
    """What it is called there; empty when somebody else is called so by now."""
    network_user_id: str
    sealed_credentials: str
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    handle_time: datetime = Field(sa_type=DateTime(timezone=True))
    """When the network last said what its handle is, or that another account has it."""
    handle_due_time: datetime = Field(sa_type=DateTime(timezone=True))
    """When the network is to be asked for it again."""

    def belongs_to(self, agent_id: str, profile: Profile) -> bool:
        """Tell whether it is this agent's account with this profile, whose handle may have changed since."""
        return self.agent_id == agent_id and self.network_user_id == profile.user_id

    def is_handle_due(self, now: datetime) -> bool:
        """Tell whether the network is to be asked for the handle."""
        return self.handle_due_time <= now

    def ask_later(self, now: datetime) -> None:
        """Let the network be asked for the handle again in a day."""
        self.handle_due_time = now + _HANDLE_AGE

    def set_handle(self, handle: str, now: datetime) -> None:
        """Take down what the network says that it is called."""
        self.handle, self.handle_time = handle, now
        self.ask_later(now)

    def lose_handle(self, now: datetime) -> None:
        """Take down that another account is called so by now; what it is called itself is to be asked for."""
        self.handle, self.handle_time, self.handle_due_time = "", now, now
