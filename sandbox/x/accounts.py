"""The accounts of the X sandbox, their keys, and the access tier of its apps."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from sandbox.x.database import Database
from sandbox.x.fields import Vocabulary


class Tier(StrEnum):
    """What an app may do: everything, or what the self-serve plans still allow."""

    FULL = "full"
    SELF_SERVE = "self_serve"


@dataclass(frozen=True, slots=True)
class User:
    """An account as everyone sees it; its time is in milliseconds since 1970."""

    id: int
    username: str
    name: str
    description: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an account and of the one app it owns."""

    api_key: str
    api_key_secret: str
    access_token: str
    access_token_secret: str
    bearer_token: str


_USER = "SELECT id, username, name, description, created_ms FROM users"
_KEYS = "SELECT api_key, api_key_secret, access_token, access_token_secret, bearer_token FROM users"


class Accounts:
    """Creates and finds accounts, and keeps the access tier."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(self, username: str, name: str, description: str) -> tuple[User, bool]:
        """Return the account with this username, and whether it had to be made."""
        if existing := self.by_username(username):
            return existing, False
        user = User(self._db.next_id(), username, name, description, self._db.now_ms())
        keys = Keys(
            api_key=_token(25),
            api_key_secret=_token(50),
            access_token=f"{user.id}-{_token(40)}",
            access_token_secret=_token(45),
            bearer_token=f"AAAAAAAAAAAAAAAAAAAAA{_token(75)}",
        )
        row = _row(user) | _row(keys)
        self._db.write(
            f"INSERT INTO users ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608 - field names
            *row.values(),
        )
        return user, True

    def rename(self, user: User, username: str) -> User | None:
        """Give an account another username, which frees its old one; None when another account has the new one."""
        if (holder := self.by_username(username)) and holder.id != user.id:
            return None
        self._db.write("UPDATE users SET username = ? WHERE id = ?", username, user.id)
        return replace(user, username=username)

    def keys(self, user: User) -> Keys:
        """Return the keys of an account."""
        (row,) = self._db.all(f"{_KEYS} WHERE id = ?", user.id)
        return Keys(*row)

    def by_access_token(self, token: str) -> User | None:
        """Return the account that acts with this access token."""
        return self._find("access_token = ?", token)

    def by_bearer_token(self, token: str) -> User | None:
        """Return the account that owns the app with this bearer token."""
        return self._find("bearer_token = ?", token)

    def by_username(self, username: str) -> User | None:
        """Return the account with this username, whatever its case."""
        return self._find("username = ?", username)

    def by_ids(self, ids: Collection[int]) -> dict[int, User]:
        """Return those of these accounts that exist, by id."""
        marks = ", ".join("?" * len(ids))
        return {row["id"]: User(*row) for row in self._db.all(f"{_USER} WHERE id IN ({marks})", *ids)}

    def get(self, user_id: int) -> User | None:
        """Return the account with this id."""
        return self.by_ids([user_id]).get(user_id)

    def everyone(self) -> list[User]:
        """Return all accounts, the oldest first."""
        return [User(*row) for row in self._db.all(f"{_USER} ORDER BY id")]

    @property
    def tier(self) -> Tier:
        """The access tier of every app."""
        return Tier(self._state("tier") or Tier.FULL)

    @tier.setter
    def tier(self, tier: Tier) -> None:
        self._set_state("tier", tier)

    @property
    def vocabulary(self) -> Vocabulary:
        """Which names of the parts of a post are understood."""
        return Vocabulary(self._state("vocabulary") or Vocabulary.BOTH)

    @vocabulary.setter
    def vocabulary(self, vocabulary: Vocabulary) -> None:
        self._set_state("vocabulary", vocabulary)

    def _state(self, key: str) -> str:
        row = self._db.one("SELECT value FROM state WHERE key = ?", key)
        return row["value"] if row else ""

    def _set_state(self, key: str, value: StrEnum) -> None:
        self._db.write("INSERT OR REPLACE INTO state VALUES (?, ?)", key, value.value)

    def _find(self, condition: str, value: str) -> User | None:
        row = self._db.one(f"{_USER} WHERE {condition}", value)
        return User(*row) if row else None


def _token(length: int) -> str:
    return "".join(
        secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") for _ in range(length)
    )


def _row(value: User | Keys) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
