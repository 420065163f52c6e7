"""Puts a file together that came in parts, each in a wheel of its own, and checks it by its sum."""

import hashlib
from pathlib import Path

from sandbox.llm.model import ModelError, PackedModel

_PIECE = 1 << 20


def assemble(packed: PackedModel, folder: Path) -> Path:
    """Return the file that a model's parts make, which lie in a folder's packages. Raises ModelError for another file.

    A part is gone as soon as it is written, so that the file lies there but once.
    """
    target = folder / packed.file
    digest = hashlib.sha256()
    with target.open("wb") as whole:
        for part in sorted(folder.glob(packed.parts), key=lambda path: path.name):
            with part.open("rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
                    whole.write(piece)
            part.unlink()
    if digest.hexdigest() != packed.sha256:
        target.unlink()
        raise ModelError(f"The language model can't be used: {target.name} isn't what its SHA-256 says")
    return target
