"""One process at a time in a folder: several with the same Chroma folder open lose vectors without a word."""

from pathlib import Path

from services.runtime import file_lock

NAME = "lock"


def lock(folder: Path, timeout_seconds: float) -> int:
    """Lock a folder, which is made if need be, as `file_lock.lock` does."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return file_lock.lock(folder / NAME, timeout_seconds)
    except TimeoutError:
        raise TimeoutError(f"another process still uses {folder}") from None
