"""What a model takes: by the table of known models, by a provider's settings, and by what a server has refused."""

import logging
import time
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from services.llm.adapters.dialects import Body

log = logging.getLogger(__name__)

_KEPT_SECONDS = 3_600.0
_MAX_LEARNT = 1_000
_LIMITS = ("max_tokens", "max_completion_tokens")
_COUNT_THOUGHTS = (*_LIMITS, "max_output_tokens")
_TOGETHER = {"logprobs": ("logprobs", "top_logprobs"), "top_logprobs": ("logprobs", "top_logprobs")}
_OPTIONAL = frozenset(
    (
        *("temperature", "top_p", "frequency_penalty", "presence_penalty", "repeat_penalty", "seed", "random_seed"),
        *("stop", "logprobs", "top_logprobs", "stream_options", "reasoning_effort", "store"),
    )
)
"""The fields that a text can be written without."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How the request for one model differs from the common one; without `takes_n` it writes one choice a call."""

    leave_out: frozenset[str] = frozenset()
    rename: Mapping[str, str] = field(default_factory=dict)
    add: Mapping[str, Any] = field(default_factory=dict)
    thinks: bool = False
    opened_by_template: bool = False
    takes_n: bool = True

    def over(self, lower: "Capabilities") -> "Capabilities":
        """Return what holds when these stand above others."""
        return Capabilities(
            self.leave_out | lower.leave_out,
            {**lower.rename, **self.rename},
            {**lower.add, **self.add},
            self.thinks or lower.thinks,
            self.opened_by_template or lower.opened_by_template,
            self.takes_n and lower.takes_n,
        )

    def fit(self, body: Body, thinking_tokens: int) -> Body:
        """Return a request as the model takes it; `thinking_tokens` is the room for its thoughts."""
        fitted = {**body, **self.add}
        if self.thinks:
            fitted |= {name: fitted[name] + thinking_tokens for name in _COUNT_THOUGHTS if name in fitted}
        left_out = {name for given in self.leave_out for name in _TOGETHER.get(given, (given,))}
        return {
            sent: value
            for name, value in fitted.items()
            if name not in left_out and (sent := self.rename.get(name, name)) not in left_out
        }

    def without(self, refused: Collection[str], sent: Body) -> "Capabilities":
        """Return what holds once a server has refused these fields of what it was sent."""
        known = self
        for name in refused:
            if name in _LIMITS and name in sent:
                other = _LIMITS[1 - _LIMITS.index(name)]
                known = replace(known, rename={**known.rename, _LIMITS[0]: other})
            elif name == "n" and "n" in sent:
                known = replace(known, takes_n=False)
            else:
                known = known._leaving_out(name, sent)
        return known

    def _leaving_out(self, name: str, sent: Body) -> "Capabilities":
        """Return what holds without a field, or all of it that was sent, when a text can be written without it."""
        known, originals = self, {new: old for old, new in self.rename.items()}
        for each in sent:
            original = originals.get(each, each)
            if (each == name or each.startswith(f"{name}.")) and original in _OPTIONAL:
                adds = {key: value for key, value in known.add.items() if key != original}
                known = replace(known, leave_out=known.leave_out | {original}, add=adds)
        return known


class Models:
    """What the models of one provider take. What was learnt is forgotten after an hour."""

    def __init__(self, provider: str, own: Capabilities) -> None:
        """Take the provider's name, and what its settings say."""
        self._provider = provider
        self._own = own
        self._learnt: dict[str, tuple[Capabilities, float]] = {}

    def of(self, model: str) -> Capabilities:
        """Return what a model takes; an empty name is the server's own model."""
        learnt, until = self._learnt.get(model, (Capabilities(), 0.0))
        return learnt if time.monotonic() < until else self._own.over(_known(self._provider, model))

    def learn(self, model: str, refused: Collection[str], sent: Body) -> bool:
        """Remember what a server has refused; False when the request would be the same again."""
        before = self.of(model)
        after = before.without(refused, sent)
        self.keep(model, after)
        if after != before:
            log.warning(
                "a model refuses fields, or passes over them, which are left out from now on",
                extra={"provider": self._provider, "model": model, "fields": sorted(refused)},
            )
        return after != before

    def thinks(self, model: str) -> None:
        """Remember that a model's limit counts its thoughts."""
        self.keep(model, replace(self.of(model), thinks=True))

    def keep(self, model: str, known: Capabilities) -> None:
        """Hold these to be what a model takes."""
        self._learnt[model] = known, time.monotonic() + _KEPT_SECONDS
        while len(self._learnt) > _MAX_LEARNT:
            del self._learnt[next(iter(self._learnt))]


def _known(provider: str, model: str) -> Capabilities:
    bare = model.rpartition("/")[2].casefold()
    known = Capabilities()
    for row in _table():
        if _fits(bare, row.get("model", "*")) and _fits(provider, row.get("provider", "*")):
            known = _read(row).over(known)
    return known


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _read(row: Mapping[str, Any]) -> Capabilities:
    fields = {name: value for name, value in row.items() if name not in ("model", "provider")}
    return Capabilities(**{**fields, "leave_out": frozenset(row.get("leave_out", ()))})


@cache
def _table() -> Sequence[Mapping[str, Any]]:
    text = files("services.llm").joinpath("capabilities.toml").read_text(encoding="utf-8")
    rows: Sequence[Mapping[str, Any]] = tomllib.loads(text)["models"]
    return rows
