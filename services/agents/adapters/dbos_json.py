"""What DBOS keeps, as JSON: one of the types of `ports.stored` under its name, and nothing else.

Whoever can write DBOS's database can at most ask for what a workflow can do: no row runs any other code.
"""

import json
from collections.abc import Mapping
from typing import Any

from services.agents.adapters.dbos_package import DefaultSerializer, Serializer
from services.agents.ports.stored import STORED
from services.runtime.typed_json import TypedJson, json_text

_ERROR = "error"


class UnreadableRecord(ValueError):
    """A row can't be read: it is no JSON of a known type, or was written by another serializer."""


class KeptError(Exception):
    """An exception that ended a workflow, as it is read again: the name of its type, and its words."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}" if name else message)
        self.name = name
        self.message = message


class StoredJson(Serializer):
    """Writes and reads stored values as `{"type": ..., "value": {...}}`, and the arguments of a workflow as a list."""

    def __init__(self, types: Mapping[str, type] = STORED) -> None:
        """Take what may be stored by its name, as `STORED` does."""
        self._typed = TypedJson(types)

    def name(self) -> str:
        """Return what DBOS notes beside each row that is written by this."""
        return "puppet_json"

    def serialize(self, data: Any) -> str:
        """Return the JSON of None, a stored type, an exception or a workflow's arguments; raises TypeError else."""
        if isinstance(data, dict):
            if data.keys() != {"args", "kwargs"} or data["kwargs"]:
                raise TypeError("a workflow takes its task, and nothing by name")
            return json_text({"args": [self._put(value) for value in data["args"]]})
        return json_text(self._put(data))

    def deserialize(self, serialized_data: str) -> Any:
        """Return what was serialized. Raises UnreadableRecord."""
        try:
            record = json.loads(serialized_data)
            if isinstance(record, dict) and record.keys() == {"args"}:
                return {"args": tuple(self._take(value) for value in record["args"]), "kwargs": {}}
            return self._take(record)
        except (ValueError, TypeError, LookupError, RecursionError):
            # The words of the error would repeat what stands in the row.
            raise UnreadableRecord("what is stored can't be read") from None

    def _put(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, BaseException):
            return {"type": _ERROR, "value": {"name": type(value).__name__, "message": str(value)}}
        return self._typed.put(value)

    def _take(self, record: Any) -> Any:
        if record is None:
            return None
        if record["type"] == _ERROR:
            return KeptError(str(record["value"]["name"]), str(record["value"]["message"]))
        return self._typed.take(record)


def forbid_pickle() -> None:
    """Let DBOS unpickle nothing in this process any more.

    Each row says itself how it was written, and DBOS believes it whatever serializer it is given: to write `py_pickle`
    into a row was to run any code.
    """
    DefaultSerializer.deserialize = _refuse  # type: ignore[method-assign, assignment]


def _refuse(_serializer: DefaultSerializer, _serialized: str) -> Any:
    raise UnreadableRecord("what is stored is a pickle, which is never read")
