"""What the doctor says."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and how to mend it when it is bad."""

    mark: Mark
    subject: str
    words: str
    remedy: str = ""
