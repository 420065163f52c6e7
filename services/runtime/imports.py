"""Modules that a library imports and that are hardly ever used."""

import contextlib
import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def imported_when_used(*names: str) -> Iterator[None]:
    """Have modules (a package before what is in it) not be imported by what the block imports, but when it uses them.

    What is loaded already stays, and what isn't installed is missing. Whoever imports them after the block gets the
    modules themselves.
    """
    left_out = [name for name in names if name not in sys.modules and _is_installed(name)]
    stand_ins = {name: _StandIn(name) for name in left_out}
    for name, stand_in in stand_ins.items():
        package, _, module = name.rpartition(".")
        if package in stand_ins:
            setattr(stand_ins[package], module, stand_in)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name.partition(".")[0]) is not None


class _StandIn(ModuleType):
    """Imports a module when it is asked for something that is in it."""

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":  # asked for by libraries that check what they could use
            return importlib.metadata.version(self.__name__)
        if name.startswith("__"):  # asked for by the import system
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)
