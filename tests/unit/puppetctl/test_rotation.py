"""Logs of `up` stay small."""

import asyncio
import os
import stat
from pathlib import Path

from puppetctl.local import rotation
from puppetctl.local.rotation import KEPT, MAX_BYTES, keep_small, rotate
from tests.support.waits import WAIT_SECONDS


def test_a_full_log_is_put_aside_and_the_program_goes_on_in_the_emptied_one(tmp_path: Path) -> None:
    log = tmp_path / "memory.log"
    with log.open("ab", buffering=0) as program:
        program.write(b"before\n")
        rotate(log)
        program.write(b"after\n")
    assert log.read_bytes() == b"after\n"
    aside = tmp_path / "memory.log.1"
    assert aside.read_bytes() == b"before\n"
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600


def test_a_few_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    log = tmp_path / "memory.log"
    for number in range(KEPT + 2):
        log.write_text(str(number))
        rotate(log)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"memory.log": "", "memory.log.1": "4", "memory.log.2": "3", "memory.log.3": "2"}


def test_of_a_log_that_grew_beyond_all_bounds_the_end_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "memory.log"
    log.touch()
    os.truncate(log, 3 * MAX_BYTES)
    with log.open("ab") as program:
        program.write(b"the end")
    rotate(log)
    aside = tmp_path / "memory.log.1"
    assert aside.stat().st_size == MAX_BYTES
    assert aside.read_bytes().endswith(b"the end")


async def test_only_what_is_full_is_put_aside(tmp_path: Path) -> None:
    full, small, missing = (tmp_path / name for name in ("full.log", "small.log", "missing.log"))
    small.write_text("a line")
    full.touch()
    os.truncate(full, rotation.MAX_BYTES + 1)
    keeper = asyncio.create_task(keep_small([full, small, missing], 0.0))
    async with asyncio.timeout(WAIT_SECONDS):
        while full.stat().st_size:  # noqa: ASYNC110
            await asyncio.sleep(0)
    keeper.cancel()
    assert small.read_text() == "a line"
    assert {
        path.name: path.exists() for path in (full, tmp_path / "full.log.1", tmp_path / "small.log.1", missing)
    } == {
        "full.log": True,
        "full.log.1": True,
        "small.log.1": False,
        "missing.log": False,
    }
