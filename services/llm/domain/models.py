"""The models that providers offer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a provider offers."""

    provider: str
    name: str
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Why a provider could not list its models: the reason, and the same in words."""

    provider: str
    reason: str
    message: str
    name = ""
