"""Messages as JSON lines: one message a line, in protobuf's JSON, its keys sorted, in ASCII.

The same message is always the same line. In ASCII nothing that a stranger wrote can steer the terminal it is shown on.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from puppetctl import files

M = TypeVar("M", bound=Message)


def read(path: Path | None, kind: type[M], required: str) -> list[M]:
    """Return the messages of a file, or of standard input; each must have the required field, blank lines are none.

    Raises ValueError, which names the first broken line by its number.
    """
    with contextlib.nullcontext(sys.stdin.buffer) if path is None else path.open("rb") as file:
        return [_parse(number, line, kind, required) for number, line in enumerate(file, 1) if line.strip()]


@contextlib.contextmanager
def writing(path: Path | None, *, force: bool) -> Iterator[Callable[[Message], None]]:
    """Yield what writes a message to a file, as `files.writing` does, or to standard output."""
    if path is None:
        yield _writer(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with files.writing(path, force=force) as file:
        yield _writer(file)


def _writer(file: BinaryIO) -> Callable[[Message], None]:
    def write(message: Message) -> None:
        file.write(json.dumps(json_format.MessageToDict(message), sort_keys=True).encode() + b"\n")

    return write


def _parse(number: int, line: bytes, kind: type[M], required: str) -> M:
    try:
        message = json_format.Parse(line, kind())
    except (json_format.ParseError, UnicodeError) as error:
        raise ValueError(f"line {number}: {error}") from None
    if not message.HasField(required):
        raise ValueError(f"line {number}: has no {required}")
    return message
