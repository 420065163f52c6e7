"""Metrics: declared where they are counted, and silent until they are exported.

Labels are few and of few values: services, methods, kinds, codes. What concerns one agent stands in traces and logs.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Protocol

Value = str | bool | int | float


Sink = Callable[[float, dict[str, Value]], None]
"""Takes the numbers of one instrument, each with its labels."""


class Meter(Protocol):
    """Makes the sinks of instruments that are exported."""

    def sink(self, instrument: "Instrument") -> Sink:
        """Return where an instrument's numbers go."""
        ...


class Instrument:
    """Something that is counted or measured, in a unit of UCUM: `s`, `1`, `{call}`."""

    def __init__(self, name: str, unit: str, description: str) -> None:
        self.name = name
        self.unit = unit
        self.description = description
        self._sink: Sink | None = None
        _INSTRUMENTS.append(self)
        if _meter is not None:
            self.bind(_meter)

    def bind(self, meter: Meter | None) -> None:
        """Send the numbers to this meter from now on; None: nowhere."""
        self._sink = None if meter is None else meter.sink(self)

    def _take(self, amount: float, labels: dict[str, Value]) -> None:
        if self._sink is not None:
            self._sink(amount, {name.replace("__", "."): value for name, value in labels.items()})


class Counter(Instrument):
    """Something that happens."""

    def add(self, amount: float = 1, **labels: Value) -> None:
        """Count it; in the names of labels `__` stands for a dot."""
        self._take(amount, labels)


class Histogram(Instrument):
    """Something that takes long or short; `bounds` are the upper ends of what is told apart, in its unit."""

    def __init__(self, name: str, unit: str, description: str, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        super().__init__(name, unit, description)

    def record(self, value: float, **labels: Value) -> None:
        """Measure it."""
        self._take(value, labels)

    @contextlib.contextmanager
    def time(self, **labels: Value) -> Iterator[None]:
        """Measure how many seconds the block takes, however it ends."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._take(time.monotonic() - started, labels)


class Gauge(Instrument):
    """Something that is there, more of it or less."""

    def set(self, value: float, **labels: Value) -> None:
        """Say how much of it there is now."""
        self._take(value, labels)


_INSTRUMENTS: list[Instrument] = []
_meter: Meter | None = None


def export_by(meter: Meter | None) -> None:
    """Hand the numbers of all instruments of this process to a meter from now on; None: to nobody."""
    global _meter
    _meter = meter
    for instrument in _INSTRUMENTS:
        instrument.bind(meter)


def is_exported() -> bool:
    """Tell whether numbers are handed to anybody."""
    return _meter is not None


def instruments() -> list[Instrument]:
    """Return all that were declared in what was imported."""
    return list(_INSTRUMENTS)
