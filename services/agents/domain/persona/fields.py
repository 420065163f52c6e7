"""The kinds of fields that a persona file has, and what is marked on them: each rule is also one for editors."""

import functools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Annotated, Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from services.agents.domain.persona.secrets import REDACTED
from services.runtime.errors import quoted

STORED = "stored"
"""In the context of a validation: what is read was stored, and may break what is only asked of what comes in."""

EFFECT = "x-effect"
"""In the schema, why a field has no effect."""

NO_LIST = "no_list"
"""The type of the error of a value where a list of texts belongs."""

MAX_ITEMS = 1_000
"""How many entries a list may have."""

_MAX_NAMES = 5_000
_MINT = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_MAX_HOURS = 24.0 * 365
_MAX_SOL = 1_000_000.0

T = TypeVar("T")


class Section(BaseModel):
    """An object of a persona file. Null, and a value that was redacted, are as good as none."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _given(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        given = without_nulls(raw)
        return {name: value for name, value in given.items() if value != REDACTED or marked(cls, name, Secret)}


def without_nulls(raw: Any) -> Any:
    """Return an object without the fields that are null; anything else as it is."""
    if not isinstance(raw, Mapping):
        return raw
    return {name: value for name, value in raw.items() if value is not None}


class Form(StrEnum):
    """What a value is in JSON; also the tag of its place in a field that takes several."""

    TEXT = "<text>"
    NUMBER = "<number>"
    FLAG = "<flag>"
    LIST = "<list>"
    OBJECT = "<object>"
    NULL = "<null>"


def form_of(value: Any) -> Form:
    """Return what a value is in JSON."""
    match value:
        case bool():
            return Form.FLAG
        case str():
            return Form.TEXT
        case int() | float():
            return Form.NUMBER
        case list() | tuple():
            return Form.LIST
        case Mapping() | Section():
            return Form.OBJECT
    return Form.NULL


@dataclass(frozen=True)
class NoEffect:
    """Marks a field that nothing reads: whoever sets it is told so. The mark goes when some code reads the field."""

    why: str = "has no effect yet"
    unless: tuple[Any, ...] = ()
    """The values that say what is so anyhow, of which there is nothing to tell."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say so in the schema."""
        return handler(schema) | {EFFECT: self.why}


@dataclass(frozen=True)
class Secret:
    """Marks a field of which nothing is stored or shown but that it is there."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say so in the schema, by JSON Schema's own word."""
        return handler(schema) | {"writeOnly": True}


@dataclass(frozen=True)
class PlainAddress:
    """Marks a URL of which nothing is stored or shown when it says more than a scheme and a host: it may hold a key."""


@dataclass(frozen=True)
class Fallback:
    """Marks what stands in for a stored value that breaks a rule, where the default would let more happen."""

    value: Any


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule beyond a type: a check that raises ValueError with the rule in words, and what an editor is told of it."""

    check: Callable[[Any], object]
    shown: Mapping[str, Any] = field(default_factory=dict)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the type."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Show it beside the type."""
        return handler(schema) | dict(self.shown)

    def _checked(self, value: T) -> T:
        try:
            self.check(value)
        except ValueError as error:
            raise broken(str(error)) from None
        return value


def between(least: float, limit: float) -> Rule:
    """Return the rule of a number that has both bounds."""

    def check(value: float) -> None:
        if not least <= value <= limit:
            raise ValueError(f"must be {least:g} to {limit:g}, and is {value:g}")

    return Rule(check, {"minimum": least, "maximum": limit})


def above_zero(limit: float) -> Rule:
    """Return the rule of a number that may be small, and not nothing."""
    bounds = between(0, limit)

    def check(value: float) -> None:
        bounds.check(value)
        if value == 0:
            raise ValueError("must be greater than 0")

    return Rule(check, {"exclusiveMinimum": 0, "maximum": limit})


def one_of(names: type[StrEnum]) -> Rule:
    """Return the rule of a text that is one of these, or empty."""

    def check(value: str) -> None:
        if value and value not in {*names}:
            raise ValueError(f"must be one of {', '.join(names)}, and is {quoted(value)}")

    return Rule(check, {"enum": [*names]})


def marked(section: type[BaseModel], name: str, kind: type[T]) -> T | None:
    """Return the mark of this kind on a field, by its name in the file."""
    known = by_name(section).get(name)
    return next((mark for mark in known.metadata if isinstance(mark, kind)), None) if known else None


@functools.cache
def by_name(section: type[BaseModel]) -> Mapping[str, Any]:
    """Return what is known of the fields of an object, by their names in the file."""
    return {known.alias or name: known for name, known in section.model_fields.items()}


def not_above(low: str, high: str) -> Any:
    """Return the rule of two fields of an object, of which the first may not be above the second."""

    def check(limit: float | None, info: ValidationInfo) -> float | None:
        least = info.data.get(low)
        if least is not None and limit is not None and least > limit:
            raise broken(f"must be at most {high}, which is {limit:g}, and is {least:g}", low)
        return limit

    return field_validator(high)(check)


def broken(words: str, *fields: str) -> PydanticCustomError:
    """Return what a validator raises: a rule in words, and the fields that break it where that isn't its own."""
    return PydanticCustomError("rule", "{words}", {"words": words, "fields": fields})


def _without_nul(text: str) -> None:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")


def _address(text: str) -> None:
    if text and not _MINT.fullmatch(text):
        raise ValueError("must be a mint address: 32 to 44 characters of base58")


def _not_blank(text: str) -> None:
    if not text.strip():
        raise ValueError("is required")


def _whole(value: Any) -> Any:
    """Return a whole number as one: a Struct sends all numbers as floats."""
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    if not value.is_integer():
        raise broken(f"must be a whole number, and is {value:g}")
    return int(value)


def time_of(value: str | float) -> datetime | None:
    """Return a time; None of an empty text. Raises ValueError."""
    if value == "":
        return None
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("must be a time in ISO 8601, or in seconds since 1970") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def zone_of(name: str) -> tzinfo:
    """Return the time zone of this name. Raises ValueError."""
    if name in ("", "UTC"):
        # It needs no time zone database, which a bare machine may not have.
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"no time zone is called {quoted(name)}; use a name such as Europe/Paris") from None


Plain: TypeAlias = Annotated[StrictStr, StringConstraints(strip_whitespace=True), Rule(_without_nul)]
"""A text of any length, without white space at its ends."""
Text: TypeAlias = Annotated[Plain, Field(max_length=1_000)]
Required: TypeAlias = Annotated[Plain, Rule(_not_blank, {"minLength": 1})]

_Long: TypeAlias = Annotated[Plain, Field(max_length=8_000)]


def _list_of_texts(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return value
    raise PydanticCustomError(NO_LIST, "{words}", {"words": "must be a list of texts"})


def _few(raw: Any) -> Any:
    """Return what isn't null. Of too many nothing is looked at: each may be wrong in several ways."""
    if isinstance(raw, Mapping) and len(raw) > _MAX_NAMES:
        raise broken(f"must have at most {_MAX_NAMES} entries, and has {len(raw)}")
    return without_nulls(raw)


def _not_empty(items: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(item for item in items if item)


LISTED = (Field(max_length=MAX_ITEMS), BeforeValidator(_list_of_texts), AfterValidator(_not_empty))
"""The rules of a list; what is empty in it is left out."""
FEW = (Field(max_length=_MAX_NAMES), BeforeValidator(_few))
"""The rules of an object with names of the author's own."""

Texts: TypeAlias = Annotated[tuple[Text, ...], *LISTED]
"""A list of texts; empty ones are left out."""
LongTexts: TypeAlias = Annotated[tuple[_Long, ...], *LISTED]
_Mint: TypeAlias = Annotated[Plain, Field(max_length=64), Rule(_address, {"pattern": f"^{_MINT.pattern}$"})]
Mints: TypeAlias = Annotated[tuple[_Mint, ...], *LISTED]
"""Mint addresses, in base58."""
Prompts: TypeAlias = Annotated[tuple[Annotated[Plain, Field(max_length=16_000)], ...], *LISTED]

Flag: TypeAlias = StrictBool
Number: TypeAlias = StrictFloat
Whole: TypeAlias = Annotated[StrictInt, BeforeValidator(_whole)]
Probability: TypeAlias = Annotated[Number, between(0, 1)]
Hours: TypeAlias = Annotated[Number, above_zero(_MAX_HOURS)]
Sol: TypeAlias = Annotated[Number, between(0, _MAX_SOL)]
Dollars: TypeAlias = Annotated[Number, between(0, _MAX_SOL)]
Count: TypeAlias = Annotated[Whole, between(0, 10_000)]

BY_FORM = Discriminator(form_of)
"""Tells of a field that takes several forms which one is meant, so that only that one is checked."""
_AsFlag: TypeAlias = Annotated[Flag, Tag(Form.FLAG)]
_AsText: TypeAlias = Annotated[Text, Tag(Form.TEXT)]

TextOr: TypeAlias = Annotated[Annotated[_Long, Tag(Form.TEXT)] | Annotated[T, Tag(Form.OBJECT)], BY_FORM]
"""A text, or an object that says more."""
ListOr: TypeAlias = Annotated[Annotated[LongTexts, Tag(Form.LIST)] | Annotated[T, Tag(Form.OBJECT)], BY_FORM]
"""A list of texts, or an object."""
FlagOr: TypeAlias = Annotated[_AsFlag | Annotated[T, Tag(Form.OBJECT)], BY_FORM]
Prose: TypeAlias = Annotated[
    Annotated[Plain, Field(max_length=4_000), Tag(Form.TEXT)] | Annotated[Texts, Tag(Form.LIST)], BY_FORM
]
"""A text, or several."""
FlagOrText: TypeAlias = Annotated[_AsFlag | _AsText, BY_FORM]
"""True or false, or the same in words such as "never"."""
Time: TypeAlias = Annotated[_AsText | Annotated[Number, Tag(Form.NUMBER)], BY_FORM, Rule(time_of)]
"""A time in ISO 8601, or in seconds since 1970."""
