"""Ids and log lines."""

import json
import logging

import pytest

from services.runtime.ids import new_id
from services.runtime.logs import JsonFormatter, trace_id


def test_ids_carry_their_kind_and_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000_000_000_000
    made = []
    for step in range(3):
        monkeypatch.setattr("time.time_ns", lambda step=step: now + step * 1_000_000)
        made.append(new_id("mem"))
    assert made == sorted(made)
    assert all(item.startswith("mem_") and len(item) == 30 for item in made)
    assert len({new_id("x") for _ in range(1000)}) == 1000


def test_a_log_line_is_json_with_its_fields_and_trace() -> None:
    token = trace_id.set("a" * 32)
    try:
        record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "call %s", "args": ("one",), "ms": 3})
        line = json.loads(JsonFormatter("memory").format(record))
    finally:
        trace_id.reset(token)
    assert (line["message"], line["service"], line["ms"], line["trace_id"]) == ("call one", "memory", 3, "a" * 32)
