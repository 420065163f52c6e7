"""The positional parameters of a JSON-RPC call, checked one by one, and the errors that calls end in."""

from collections.abc import Sequence
from typing import Any

from solders.hash import Hash, ParseHashError
from solders.pubkey import Pubkey
from solders.signature import Signature

from sandbox.solana.clock import Commitment

_U64_MAX = 2**64 - 1


class RpcError(Exception):
    """An error with JSON-RPC's code, message and data."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class InvalidParamsError(RpcError):
    """A parameter is missing or wrong; the message names it."""

    def __init__(self, message: str) -> None:
        super().__init__(-32602, f"Invalid params: {message}")


class MethodNotFoundError(RpcError):
    """There is no such method here."""

    def __init__(self) -> None:
        super().__init__(-32601, "Method not found")


class Params:
    """The positional parameters of one call."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values

    @property
    def values_given(self) -> int:
        """How many parameters there are."""
        return len(self._values)

    def text(self, index: int, name: str) -> str:
        """Return a text; raises InvalidParamsError, as all of these do."""
        value = self._required(index, name)
        if not isinstance(value, str):
            raise InvalidParamsError(f"{name} must be a string")
        return value

    def u64(self, index: int, name: str) -> int:
        """Return an unsigned 64-bit number."""
        return as_u64(self._required(index, name), name)

    def pubkey(self, index: int, name: str) -> Pubkey:
        """Return an address."""
        return as_pubkey(self._required(index, name), name)

    def blockhash(self, index: int, name: str) -> Hash:
        """Return a blockhash."""
        try:
            return Hash.from_string(self.text(index, name))
        except ParseHashError as error:
            raise InvalidParamsError(f"{name} is not a blockhash: {error}") from error

    def signature(self, index: int, name: str) -> str:
        """Return a signature's text."""
        return as_signature(self._required(index, name), name)

    def listed(self, index: int, name: str, limit: int) -> list[Any]:
        """Return a list with at most so many items."""
        value = self._required(index, name)
        if not isinstance(value, list):
            raise InvalidParamsError(f"{name} must be a list")
        if len(value) > limit:
            raise InvalidParamsError(f"{name} has {len(value)} items; at most {limit} are allowed")
        return value

    def optional_u64(self, index: int, name: str) -> int | None:
        """Return an unsigned 64-bit number, or None when the options, or nothing, stand in its place."""
        value = self._values[index] if index < len(self._values) else None
        return None if value is None or isinstance(value, dict) else as_u64(value, name)

    def options(self) -> "Config":
        """Return the last object among the parameters: the options of the call, if it has any."""
        given = [value for value in self._values if isinstance(value, dict)]
        return Config(given[-1] if given else {})

    def config(self, index: int) -> "Config":
        """Return the options of the call, which may be left out."""
        value = self._values[index] if index < len(self._values) else None
        if value is not None and not isinstance(value, dict):
            raise InvalidParamsError("the configuration must be an object")
        return Config(value or {})

    def _required(self, index: int, name: str) -> Any:
        if index >= len(self._values):
            raise InvalidParamsError(f"{name} is missing")
        return self._values[index]


class Config:
    """The options of one call."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def get(self, name: str) -> Any:
        """Return an option as it was given, or None."""
        return self._values.get(name)

    def flag(self, name: str) -> bool:
        """Return a switch, which is off when it is left out."""
        value = self._values.get(name)
        if value not in (None, True, False):
            raise InvalidParamsError(f"{name} must be true or false")
        return bool(value)

    def commitment(self, name: str = "commitment") -> Commitment:
        """Return the commitment asked for; finalized when it is left out."""
        value = self._values.get(name) or Commitment.FINALIZED
        try:
            return Commitment(value)
        except ValueError as error:
            raise InvalidParamsError(f"{name} must be processed, confirmed or finalized") from error

    def encoding(self, default: str, allowed: Sequence[str]) -> str:
        """Return the encoding asked for."""
        value = self._values.get("encoding") or default
        if value not in allowed:
            raise InvalidParamsError(f"encoding must be one of {', '.join(allowed)}")
        return str(value)

    def data_slice(self) -> tuple[int, int] | None:
        """Return the offset and length of the part of the data asked for."""
        value = self._values.get("dataSlice")
        if value is None:
            return None
        if not isinstance(value, dict):
            raise InvalidParamsError("dataSlice must be an object with offset and length")
        return as_u64(value.get("offset"), "dataSlice.offset"), as_u64(value.get("length"), "dataSlice.length")


def as_u64(value: Any, name: str) -> int:
    """Return an unsigned 64-bit number; raises InvalidParamsError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _U64_MAX:
        raise InvalidParamsError(f"{name} must be an unsigned 64-bit number")
    return value


def as_pubkey(value: Any, name: str) -> Pubkey:
    """Return an address; raises InvalidParamsError."""
    try:
        return Pubkey.from_string(value)
    except (TypeError, ValueError) as error:
        raise InvalidParamsError(f"{name} is not an address: {error}") from error


def as_signature(value: Any, name: str) -> str:
    """Return a signature's text; raises InvalidParamsError."""
    try:
        return str(Signature.from_string(value))
    except (TypeError, ValueError) as error:
        raise InvalidParamsError(f"{name} is not a signature: {error}") from error
