"""Cases as data: `cases/<service>.toml` says what is asked, and what has to come of it."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from typing import Any

from conformance.calls import How
from conformance.contract import methods_of

VARIABLE = re.compile(r"\$([a-z_]+)")
"""Where a variable stands in a text."""


class CaseError(Exception):
    """A file of cases says something that nobody understands; the message says where."""


@dataclass(frozen=True, slots=True)
class Refused:
    """How a call has to be refused; what is left out may be anything."""

    codes: Sequence[str] = ()
    reason: str = ""
    fields: Sequence[str] = ()
    """Fields that have to be among those that are named."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a case, and what has to come of it."""

    method: str
    """`Service/Method`."""
    requests: Any
    """A list of requests in protobuf's JSON, or the name of a variable that holds one."""
    how: How = field(default_factory=How)
    times: int = 1
    refused: Refused | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)
    """What has to stand at a path of the answer (of `answers.<number>` for a stream): `*` for anything that is set."""
    absent: Sequence[str] = ()
    """Paths at which nothing may be set."""
    size: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The least and the most items of the list at a path."""
    save: Mapping[str, str] = field(default_factory=dict)
    """Variables of the case, and the paths that they are read from."""


@dataclass(frozen=True, slots=True)
class Case:
    """Calls that belong together, in their order."""

    name: str
    steps: Sequence[Step]
    is_required: bool
    needs: Sequence[str]
    """What has to be given with `--set` for it."""


@dataclass(frozen=True, slots=True)
class Cases:
    """All cases of a service."""

    service: str
    needed_by: str
    """Who can't do without the RPCs that are needed."""
    needed: Sequence[str]
    variables: Mapping[str, str]
    """What can be given with `--set`, and what it is."""
    cases: Sequence[Case]


def read_cases(service: str) -> Cases:
    """Read the cases of a service of the suite. Raises CaseError."""
    text = (resources.files("conformance") / "cases" / f"{service}.toml").read_text()
    return parse_cases(service, tomllib.loads(text))


def parse_cases(service: str, content: Mapping[str, Any]) -> Cases:
    """Read cases out of what stands in a file. Raises CaseError."""
    known = methods_of(service)
    variables = content.get("variables", {})
    needed = content.get("needed", [])
    cases = [_case(item, variables) for item in content.get("case", [])]
    for name in [*needed, *(step.method for case in cases for step in case.steps)]:
        if name not in known:
            raise CaseError(f"{service} has no RPC {name}")
    return Cases(service, content.get("needed_by", ""), needed, variables, cases)


def _case(item: Mapping[str, Any], variables: Mapping[str, str]) -> Case:
    name = item.get("name", "")
    steps = [_step(name, step) for step in item.get("step", [])]
    if not name or not steps:
        raise CaseError(f"case {name!r} needs a name and a step")
    used = set(_names_in(item))
    return Case(name, steps, item.get("required", False), [given for given in variables if given in used])


def _step(case: str, item: Mapping[str, Any]) -> Step:
    given = dict(item)
    try:
        method = given.pop("call")
        request, requests = given.pop("request", {}), given.pop("requests", None)
        refused = _refused(given.pop("refused")) if "refused" in given else None
        how = How(**{name: given.pop(name) for name in [one.name for one in fields(How)] if name in given})
        return Step(method, [request] if requests is None else requests, how, refused=refused, **given)
    except (KeyError, TypeError) as error:
        raise CaseError(f"a step of case {case!r} is no step: {error}") from None


def _refused(item: Mapping[str, Any]) -> Refused:
    codes = item.get("code", [])
    return Refused([codes] if isinstance(codes, str) else codes, item.get("reason", ""), item.get("fields", []))


def _names_in(value: Any) -> Iterator[str]:
    """Yield the variables that a value names."""
    if isinstance(value, str):
        yield from VARIABLE.findall(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _names_in(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _names_in(inner)
