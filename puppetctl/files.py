"""Files that commands write: what is there is lost only with --force, and a new one is there only when all of it is."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from puppetctl.suite import SuiteError


def check_free(path: Path, *, force: bool, otherwise: str = "name another file") -> None:
    """Raise SuiteError where a file is that would be lost; a pipe or a device is written to as it is."""
    if path.is_file() and not force:
        raise SuiteError(f"{path} is there already: {otherwise}, or write over it with --force")


@contextlib.contextmanager
def writing(path: Path, *, force: bool, mode: int = 0o666, otherwise: str = "name another file") -> Iterator[BinaryIO]:
    """Yield a file to write and to read again, which takes its place when the block ends well.

    Its permissions are the mode without what the umask takes away. Raises SuiteError when a file is there already and
    that isn't forced, or when it can't be written.
    """
    check_free(path, force=force, otherwise=otherwise)
    if is_special := path.exists() and not path.is_file():
        target = partial = path
    else:
        target = path.resolve()
        partial = target.with_name(f"{target.name}.part")
    try:
        flags = os.O_WRONLY if is_special else os.O_RDWR | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(partial, flags, mode), "wb" if is_special else "w+b") as file:
            yield file
            if not is_special:
                file.flush()
                os.fsync(file.fileno())
        if not is_special:
            partial.replace(target)
    except OSError as error:
        raise SuiteError(f"{path} can't be written: {error.strerror}") from None
    finally:
        if not is_special:
            with contextlib.suppress(OSError):
                partial.unlink()
