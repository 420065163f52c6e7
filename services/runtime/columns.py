"""Column types that entities need beside those of SQLModel."""

from enum import StrEnum

from sqlmodel import Enum


def text_of(kind: type[StrEnum]) -> Enum:
    """Return the type of a column that holds the values of an enum as text, and reads them back as its members."""
    return Enum(kind, native_enum=False, values_callable=lambda members: [member.value for member in members])
