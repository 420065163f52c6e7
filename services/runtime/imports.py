"""Modules that a library imports and that are hardly ever used."""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def imported_when_used(*names: str) -> Iterator[None]:
    """Have modules (a package before what is in it) not be imported by what the block imports, but when it uses them.

    What is loaded already stays. Whoever imports them after the block gets the modules themselves.
    """
    stand_ins = {name: _StandIn(name) for name in names if name not in sys.modules}
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


class _StandIn(ModuleType):
    """Imports a module when it is asked for something that is in it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked for by the import system
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)
