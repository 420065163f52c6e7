"""Ids, secrets and log lines."""

import json
import logging
import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from services.runtime import keystore
from services.runtime.ids import new_id
from services.runtime.keystore import Keystore
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


def test_a_sealed_secret_opens_with_the_same_key_file_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "social.key"
    sealed = Keystore.open("", path).seal("hush")
    assert "hush" not in sealed
    assert Keystore.open("", path).unseal(sealed) == "hush"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["social.key"]
    with pytest.raises(ValueError, match="another key"):
        Keystore.open("", tmp_path / "other.key").unseal(sealed)


def test_two_replicas_that_start_together_keep_the_first_ones_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "trading.key", os.link

    def link_while_another_writes(draft: Path, target: Path) -> None:
        monkeypatch.undo()
        link(draft, target)
        # The other one, perhaps in its own container and with the same process number, saw no file either.
        keystore._write_new(path, Fernet.generate_key())

    monkeypatch.setattr(os, "link", link_while_another_writes)
    key = Fernet.generate_key()
    keystore._write_new(path, key)
    assert path.read_bytes() == key
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_given_is_used_and_a_wrong_one_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Fernet key"):
        Keystore.open("short", tmp_path / "unused.key")
    assert not (tmp_path / "unused.key").exists()


def test_a_log_line_is_json_with_its_fields_and_trace() -> None:
    token = trace_id.set("a" * 32)
    try:
        record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "call %s", "args": ("one",), "ms": 3})
        line = json.loads(JsonFormatter("memory").format(record))
    finally:
        trace_id.reset(token)
    assert (line["message"], line["service"], line["ms"], line["trace_id"]) == ("call one", "memory", 3, "a" * 32)
