"""A rehearsal as a user runs it: it ends, tells what happened, and leaves nothing behind."""

import asyncio
import contextlib
import re
import signal
import sqlite3
import sys
from pathlib import Path

import psutil
import pytest

from tests.e2e.suite import all_end, clean_environment, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ODD = str(Path(__file__).parents[2] / "personas" / "odd.json")
REHEARSE = ("rehearse", ODD, "--provider", "fake", "--alone", "--plain", "--speed", "3600")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return a user's environment: with folders of its own, and with live settings, which must not be used."""
    folders = {"TMPDIR": tmp_path / "tmp", "XDG_CONFIG_HOME": tmp_path / "config"}
    for folder in folders.values():
        folder.mkdir()
    live = {
        "PUPPET_SOCIAL_X_BASE_URL": "http://127.0.0.1:9",
        "PUPPET_TRADING_RPC_URL": "http://127.0.0.1:9",
        "PUPPET_TRADING_JUPITER_URL": "http://127.0.0.1:9",
        "PUPPET_AGENTS_MEMORY_TARGET": "127.0.0.1:9",
    }
    return clean_environment() | {name: str(folder) for name, folder in folders.items()} | live


async def test_a_rehearsal_ends_with_a_report_and_a_page_and_leaves_nothing_behind(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    page = tmp_path / "page.html"
    code, said = await run(*REHEARSE, "--posts", "2", "--output", str(page), environment=environment)
    assert code == 0, said
    posts = re.search(r"^ posts +(\d+)", said, re.MULTILINE)
    assert posts, said
    assert int(posts[1]) >= 2
    assert "Odd Halvorsen" in page.read_text()
    assert left_in(tmp_path) == ["config", "page.html", "tmp"]


async def test_ctrl_c_in_the_middle_ends_the_programs_and_still_reports(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "puppetctl", *REHEARSE, "--days", "365"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = ""
    async for line in process.stdout:
        said += line.decode()
        if "their first day begins" in said:
            break
    async with asyncio.timeout(120):
        while not has_posted(tmp_path / "tmp"):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 7, said
    process.send_signal(signal.SIGINT)
    said += (await process.stdout.read()).decode()
    assert await process.wait() == 0, said
    assert "ended before its time: it was stopped" in " ".join(said.split())
    assert await all_end(children, seconds=0) == []
    assert left_in(tmp_path) == ["config", "tmp"]


def has_posted(folder: Path) -> bool:
    """Say whether a character of the rehearsal in this folder has posted."""
    [database] = folder.rglob("agents.db")
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return bool(connection.execute("SELECT 1 FROM activity WHERE kind = 'post'").fetchone())


def left_in(folder: Path) -> list[str]:
    """Return what is in a folder, and in those below it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
