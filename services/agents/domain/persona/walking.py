"""What a persona file holds, walked through beside its models: what is unknown, what has no effect, what may be kept.

The values of known fields may be kept, and of secrets and of unknown fields that they are there: nobody can tell a
secret by its name or its looks.
"""

import difflib
import functools
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union
from urllib.parse import urlsplit

from services.agents.domain.persona.fields import (
    Form,
    NoEffect,
    PlainAddress,
    Secret,
    Section,
    by_name,
    form_of,
    marked,
)
from services.agents.domain.persona.secrets import REDACTED
from services.agents.domain.persona.sections import PersonaFile

_MAX_UNKNOWN = 1_000
_LONGEST_NAME = 100
_ALIKE = 0.75
"""How much of two names must be the same for one to be meant by the other; 1 is all."""

_SCALARS = {str: Form.TEXT, float: Form.NUMBER, int: Form.NUMBER, bool: Form.FLAG}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a field may hold."""

    scalars: frozenset[Form] = frozenset()
    section: type[Section] | None = None
    """The model of the object that it may be."""
    item: "_Kind | None" = None
    """Of the list that it may be, what each item may hold."""
    value: "_Kind | None" = None
    """Of the object with any names that it may be, what each value may hold."""

    def __or__(self, other: "_Kind") -> "_Kind":
        """Return what one or the other may hold."""
        return _Kind(
            self.scalars | other.scalars,
            self.section or other.section,
            self.item or other.item,
            self.value or other.value,
        )

    def of(self, name: str) -> "_Kind | None":
        """Return what the field of this name may hold; None when nobody knows it."""
        if self.section is None:
            return self.value
        return _kinds(self.section).get(name)


@dataclass(frozen=True, slots=True)
class _Met:
    """A named field that was come by."""

    path: str
    section: type[Section] | None
    """The model of its object; None when that has any names."""
    name: str
    value: Any
    is_known: bool


def unknown_fields(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a file that nothing here knows, by their paths, in the same order however they are given.

    The value is the name that may have been meant; it is empty where none is like it. There are at most a thousand.
    """
    unknown: dict[str, str] = {}
    for met in _walk(raw, _Kind(section=PersonaFile), ""):
        if not met.is_known and met.section is not None:
            unknown[met.path] = _meant(met.section, met.name)
            if len(unknown) >= _MAX_UNKNOWN:
                break
    return unknown


def without_effect(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a file that are given and that nothing reads, by their paths, and why in words."""
    return {
        met.path: f"{met.path} {mark.why}"
        for met in _walk(raw, _Kind(section=PersonaFile), "")
        if met.section and (mark := marked(met.section, met.name, NoEffect)) and _says_something(met, mark)
    }


def redact(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a persona that may be stored and shown: the values of known fields that are no secrets.

    `[redacted]` stands for every other value; what is empty stays empty.
    """
    return _object(raw, _Kind(section=PersonaFile))


def _walk(value: Any, kind: _Kind, path: str) -> Iterator[_Met]:
    """Yield the fields of an object and of what lies below: those that nobody knows first, the others as known."""
    if isinstance(value, list | tuple):
        for index, item in enumerate(value if kind.item else ()):
            yield from _walk(item, kind.item or kind, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        if kind.section is None:
            known = list(value) if kind.value else []
        else:
            known = [name for name in _kinds(kind.section) if name in value]
            for name in sorted(value.keys() - known):
                cut = name[:_LONGEST_NAME]
                yield _Met(_below(path, cut), kind.section, cut, value[name], is_known=False)
        for name in known:
            yield _Met(_below(path, name), kind.section, name, value[name], is_known=True)
            if below := kind.of(name):
                yield from _walk(value[name], below, _below(path, name))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _meant(section: type[Section], name: str) -> str:
    known = {_folded(one): one for one in by_name(section)}
    alike = difflib.get_close_matches(_folded(name), known, 1, _ALIKE)
    return known[alike[0]] if alike else ""


def _folded(name: str) -> str:
    """Return a name as it is compared: `postExamples` and `post-examples` are `post_examples`."""
    return name.replace("_", "").replace("-", "").casefold()


def _says_something(met: _Met, mark: NoEffect) -> bool:
    value = met.value.strip(" .").casefold() if isinstance(met.value, str) else met.value
    return value not in (None, "", [], {}, REDACTED, *mark.unless)


def _object(raw: Mapping[str, Any], kind: _Kind) -> dict[str, Any]:
    return {
        name: _kept(value, kind, name)
        for name, value in raw.items()
        if kind.of(name) is not None or len(name) <= _LONGEST_NAME
    }


def _kept(value: Any, kind: _Kind, name: str) -> Any:
    """Return what may be kept of a field of an object of this kind."""
    held = kind.of(name)
    if value in (None, "", [], {}):
        return value
    if held is None or (kind.section and not _may_be_shown(value, kind.section, name)):
        return REDACTED
    return _of_kind(value, held)


def _of_kind(value: Any, kind: _Kind) -> Any:
    if isinstance(value, Mapping):
        return _object(value, kind) if kind.section or kind.value else REDACTED
    if isinstance(value, list | tuple):
        return [_of_kind(item, kind.item) for item in value] if kind.item else REDACTED
    if value is None:
        return None
    scalars = kind.scalars | (kind.item.scalars if kind.item else frozenset())
    # A number where a text belongs hides nothing; a text where only a number or a flag belongs may.
    return value if scalars and (Form.TEXT in scalars or form_of(value) is not Form.TEXT) else REDACTED


def _may_be_shown(value: Any, section: type[Section], name: str) -> bool:
    if marked(section, name, Secret):
        return False
    return not marked(section, name, PlainAddress) or not _says_more(value)


def _says_more(value: Any) -> bool:
    try:
        parts = urlsplit(value)
        return bool(parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/"))
    except (AttributeError, TypeError, ValueError):
        return True


@functools.cache
def _kinds(section: type[Section]) -> Mapping[str, _Kind]:
    """Return what the fields of an object may hold, by their names in the file, in the order of the model."""
    hints = typing.get_type_hints(section)
    return {known.alias or name: _kind(hints[name]) for name, known in section.model_fields.items()}


def _kind(annotation: Any) -> _Kind:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return functools.reduce(lambda one, other: one | other, map(_kind, parts))
    if origin is tuple:
        return _Kind(item=_kind(parts[0]))
    if origin is dict:
        return _Kind(value=_kind(parts[1]))
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return _Kind(section=annotation)
    return _Kind(frozenset((_SCALARS[annotation],))) if annotation in _SCALARS else _Kind()
