"""Column types that entities need beside those of SQLModel."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Enum

from services.runtime.typed_json import TypedJson


def text_of(kind: type[StrEnum]) -> Enum:
    """Return the type of a column that holds the values of an enum as text, and reads them back as its members."""
    return Enum(kind, native_enum=False, values_callable=lambda members: [member.value for member in members])


class TypedColumn(sa.types.TypeDecorator[Any]):
    """A column that holds values of a few known types as JSON, or NULL."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, types: Mapping[str, type]) -> None:
        """Take what may be stored, by its name."""
        super().__init__(none_as_null=True)
        self._types = tuple(types.items())
        self._json: TypedJson | None = None

    @property
    def _typed(self) -> TypedJson:
        # Nothing is built at import time.
        if self._json is None:
            self._json = TypedJson(dict(self._types))
        return self._json

    def put(self, value: Any) -> Any:
        """Return a value as JSON."""
        return None if value is None else self._typed.put(value)

    def take(self, value: Any) -> Any:
        """Return what was put so."""
        return None if value is None else self._typed.take(value)

    def process_bind_param(self, value: Any, _dialect: sa.Dialect) -> Any:
        """Return a value as it is stored."""
        return self.put(value)

    def process_result_value(self, value: Any, _dialect: sa.Dialect) -> Any:
        """Return what was stored."""
        return self.take(value)
