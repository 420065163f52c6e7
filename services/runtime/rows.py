"""Rows of tables as JSON, and back: what an archive holds of them."""

import base64
import json
from collections.abc import Collection
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlmodel import SQLModel

from services.runtime.columns import TypedColumn
from services.runtime.nesting import is_shallow

M = TypeVar("M", bound=SQLModel)
_LEVELS = 100
"""How deeply what is stored may be nested: personas, which are, have fewer."""


def write_row(row: SQLModel, without: Collection[str] = ()) -> str:
    """Return the columns of a row, but for these, as a JSON object."""
    columns = sa.inspect(type(row)).columns
    values = {
        column.key: _written(column.type, getattr(row, column.key)) for column in columns if column.key not in without
    }
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def read_row(kind: type[M], written: str, without: Collection[str] = ()) -> M:
    """Return the row that was written; columns that it lacks have their defaults. Raises ValueError."""
    if not is_shallow(written, _LEVELS):
        raise ValueError("is nested too deeply")
    values = json.loads(written, parse_constant=_refuse)
    columns = {column.key: column for column in sa.inspect(kind).columns if column.key not in without}
    if not isinstance(values, dict) or not values.keys() <= columns.keys():
        raise ValueError(f"is no row of {kind.__name__}")
    given = {name: _read(columns[name], value) for name, value in values.items()}
    for name, field in kind.model_fields.items():
        if name in columns and name not in given and field.is_required():
            raise ValueError(f"lacks {name}")
    return kind(**given)


def _refuse(constant: str) -> Any:
    raise ValueError(f"holds {constant}")


def _written(column: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column, TypedColumn):
        return column.put(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _read(column: Any, value: Any) -> Any:
    if value is None:
        if not column.nullable:
            raise ValueError(f"lacks {column.key}")
        return None
    try:
        return _value(column.type, value)
    except (TypeError, ValueError, KeyError, LookupError, AttributeError) as error:
        # What stands there is not repeated: it may be long, and anything.
        raise ValueError(f"has a {column.key} that is no value of its kind") from error


def _value(kind: Any, value: Any) -> Any:
    if isinstance(kind, TypedColumn):
        return kind.take(value)
    if isinstance(kind, sa.Enum):
        return kind.enum_class(value)  # type: ignore[misc]
    if isinstance(kind, sa.DateTime):
        return datetime.fromisoformat(value).astimezone(UTC)
    if isinstance(kind, sa.LargeBinary):
        return base64.b64decode(value, validate=True)
    if isinstance(kind, sa.types.TypeDecorator):
        # Such as SQLModel's texts.
        kind = kind.impl_instance
    return value if isinstance(kind, sa.JSON) else _plain(kind.python_type, value)


def _plain(kind: type, value: Any) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise ValueError
    return value
