"""The vector index in Chroma: what holds for both kinds, and what the embedded one survives."""

import asyncio
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import httpx2
import numpy as np
import psutil
import pytest
import pytest_asyncio

from services.memory.adapters.chroma import folder_lock
from services.memory.adapters.chroma.embedded import EmbeddedIndex
from services.memory.adapters.chroma.server import ServerIndex
from services.memory.domain.vectors import IndexDown, Place, Vector
from services.memory.ports.index import Generation, Index
from tests.support.waits import WAIT_SECONDS

# One build of each kind serves many tests, each with agents and numbers of its own.
pytestmark = pytest.mark.asyncio(loop_scope="module")

# So many that Chroma has written its graph to files; before that it lives in its log only.
MANY = 1_100
ROOT = Path(__file__).parents[3]
PARENT = """
import asyncio, pathlib, sys
from services.memory.adapters.chroma.embedded import EmbeddedIndex
from tests.integration.memory.test_chroma import vectors

async def main():
    build = await EmbeddedIndex(pathlib.Path(sys.argv[1])).open(1)
    print(build._process.pid, flush=True)
    for start in range(0, 1_000_000, 100):
        await build.put(vectors("ann", range(start, start + 100)))
        print(start + 100, flush=True)

asyncio.run(main())
"""


async def flawed(build: Generation, vectors: Sequence[Vector]) -> list[int]:
    flaws = await build.flaws(vectors)
    return [*flaws.different, *flaws.unreached]


def vectors(agent_id: str, seqs: range, seed: int = 0) -> list[Vector]:
    rows = np.random.default_rng([seed, seqs.start]).standard_normal((len(seqs), 256))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [Vector(seq, agent_id, row.astype("<f4").tobytes()) for seq, row in zip(seqs, rows, strict=True)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("chroma-server")
    command = [Path(sys.executable).with_name("chroma"), "run", "--path", folder, "--host", "127.0.0.1", "--port", port]
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL) as process:
        try:
            while True:
                assert process.poll() is None
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    # Refused, or reset by a process that had the port as its own end of something for a moment.
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "server"])
async def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Index:
    if request.param == "embedded":
        return EmbeddedIndex(tmp_path_factory.mktemp("chroma"))
    return ServerIndex(request.getfixturevalue("server_url"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def build(index: Index) -> AsyncIterator[Generation]:
    opened = await index.open(1)
    yield opened
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "chroma"


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


async def filled(folder: Path, rows: list[Vector]) -> Path:
    """Make a closed build 1 with these vectors; the value is its folder."""
    build = await EmbeddedIndex(folder).open(1)
    await build.put(rows)
    await build.close()
    return folder / "1"


async def test_what_was_put_is_found_by_its_agent_nearest_first(build: Generation) -> None:
    rows = vectors("finder", range(1000, 1020))
    await build.put(rows)
    near = await build.nearest("finder", rows[7].data, 5)
    assert near[0] == 1007
    assert len(set(near)) == 5
    assert set(await build.nearest("finder", rows[7].data, 500)) >= set(range(1000, 1020))
    assert await build.seqs() >= set(range(1000, 1020))


async def test_an_agent_without_memories_has_none_near(build: Generation) -> None:
    assert await build.nearest("nobody in sight", vectors("nobody", range(1))[0].data, 10) == []


async def test_a_vector_of_the_same_number_replaces_the_first_one(build: Generation) -> None:
    [old], [new] = vectors("changing", range(2000, 2001)), vectors("changing", range(2000, 2001), seed=1)
    await build.put([old])
    await build.put([old, new])
    assert await flawed(build, [new]) == []
    assert await flawed(build, [old]) == [2000]


async def test_what_was_removed_is_gone_and_removing_it_again_is_no_error(build: Generation) -> None:
    rows = vectors("forgetful", range(3000, 3010))
    await build.put(rows)
    for _ in range(2):
        await build.remove([Place(3004, "forgetful"), Place(3999, "never stored anything")])
    assert 3004 not in await build.nearest("forgetful", rows[4].data, 100)
    assert 3004 not in await build.seqs()
    assert await flawed(build, rows) == [3004]


async def test_different_names_what_is_missing_and_what_is_otherwise(build: Generation) -> None:
    await build.put(vectors("checked", range(4000, 4250)))
    assert await flawed(build, vectors("checked", range(4000, 4250))) == []
    others = vectors("checked", range(4100, 4110), seed=2)
    missing = [Vector(4900, "checked", others[0].data), Vector(4901, "not yet", others[0].data)]
    assert sorted(await flawed(build, [*others, *missing])) == [*range(4100, 4110), 4900, 4901]


async def test_nothing_given_is_nothing_done(build: Generation) -> None:
    await build.put([])
    await build.remove([])
    assert await flawed(build, []) == []


async def test_other_agents_never_hide_a_memory_from_who_asks_for_more(build: Generation) -> None:
    # Whoever the neighbours in the shard are, one of these many agents is among them, with the very same vectors.
    crowd = vectors("crowd", range(5000, 5004))
    numbers = iter(range(5000, 10_000))
    await build.put([Vector(next(numbers), f"one of {i}", row.data) for i in range(300) for row in crowd])
    await build.put([Vector(4999, "the other", crowd[0].data)])
    held = len(await build.seqs())
    limit, near = 1, [0]
    while 4999 not in near:
        assert len(near) == limit
        limit *= 4
        near = await build.nearest("the other", crowd[0].data, limit)
    assert limit <= 4 * held


async def test_equal_vectors_dont_cut_others_off(build: Generation) -> None:
    [twin] = vectors("repeating", range(20_000, 20_001))
    rest = vectors("repeating", range(21_000, 21_300))
    await build.put([Vector(seq, "repeating", twin.data) for seq in range(20_000, 20_300)])
    await build.put(rest)
    assert len(await flawed(build, rest)) <= 3
    assert set(await build.nearest("repeating", twin.data, 100_000)) >= {*range(20_000, 20_300), *range(21_000, 21_300)}


async def test_searches_are_answered_while_much_is_put(build: Generation) -> None:
    rows = vectors("busy", range(30_000, 30_400))
    await build.put(rows[:1])
    putting = asyncio.ensure_future(build.put(rows[1:]))
    searches = 0
    while not putting.done():
        assert (await build.nearest("busy", rows[0].data, 1)) == [30_000]
        searches += 1
    await putting
    assert searches > 3


async def test_a_caller_who_gives_up_leaves_the_others_their_answers(build: Generation) -> None:
    rows = vectors("hasty", range(40_000, 40_300))
    given_up = [asyncio.ensure_future(build.put(rows)) for _ in range(3)]
    await asyncio.wait(given_up, timeout=0.01)
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    await build.put(rows)
    assert await flawed(build, rows) == []


async def test_builds_are_apart_and_only_one_is_kept(index: Index, build: Generation) -> None:
    [row] = vectors("kept", range(50_000, 50_001))
    await build.put([row])
    second = await index.open(2)
    assert await second.seqs() == set()
    await second.put([Vector(60_000, "dropped", row.data)])
    await second.close()
    await index.drop_others(1)
    assert 50_000 in await build.seqs()
    again = await index.open(2)
    assert await again.seqs() == set()
    await again.close()


async def test_a_build_keeps_what_it_holds_when_it_is_opened_again(folder: Path) -> None:
    rows = vectors("ann", range(MANY))
    await filled(folder, rows)
    build = await EmbeddedIndex(folder).open(1)
    try:
        assert await build.seqs() == set(range(MANY))
        assert await flawed(build, rows) == []
    finally:
        await build.close()


async def test_a_closed_build_is_down(folder: Path) -> None:
    build = await EmbeddedIndex(folder).open(1)
    await build.close()
    await build.close()
    with pytest.raises(IndexDown) as down:
        await build.seqs()
    assert down.value.problem == "it is closed"


async def test_a_killed_process_is_down_for_all_who_wait_and_is_told_of_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build = await EmbeddedIndex(folder).open(1)
    waiting = [asyncio.ensure_future(build.put(vectors("ann", range(i * 500, i * 500 + 500)))) for i in range(3)]
    await asyncio.wait(waiting, timeout=0.05)
    build._process.kill()
    assert [type(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == [IndexDown] * 3
    with pytest.raises(IndexDown):
        await build.nearest("ann", bytes(1024), 1)
    await until(lambda: bool(caplog.records))
    assert [record.__dict__["exit_code"] for record in caplog.records] == [-signal.SIGKILL]
    await build.close()


async def test_signals_to_the_whole_group_dont_end_the_process(folder: Path) -> None:
    build = await EmbeddedIndex(folder).open(1)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        build._process.send_signal(each)
    assert await build.seqs() == set()
    await build.close()
    assert build._process.returncode == 0


async def test_files_that_are_no_database_are_refused(folder: Path) -> None:
    build = await filled(folder, vectors("ann", range(10)))
    (build / "chroma.sqlite3").write_bytes(os.urandom(50_000))
    with pytest.raises(IndexDown, match=r"^the vector index can't be opened$") as down:
        await EmbeddedIndex(folder).open(1)
    assert "not a database" in down.value.problem, "for the log, in the library's own words"


async def test_a_file_in_place_of_the_folder_is_refused(folder: Path) -> None:
    _touch(folder / "1")
    with pytest.raises(IndexDown):
        await EmbeddedIndex(folder).open(1)
    await EmbeddedIndex(folder).drop_others(2)
    assert names(folder) == []


def _touch(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.touch()


def _remove(segment: Path) -> None:
    shutil.rmtree(segment)


def _garble(segment: Path) -> None:
    graph = segment / "data_level0.bin"
    graph.write_bytes(os.urandom(graph.stat().st_size))


def _cut(segment: Path) -> None:
    os.truncate(segment / "data_level0.bin", 100_000)


@pytest.mark.parametrize("damage", [_remove, _garble, _cut])
async def test_a_damaged_graph_is_seen_when_it_is_compared(folder: Path, damage: Callable[[Path], None]) -> None:
    rows = vectors("ann", range(MANY))
    build = await filled(folder, rows)
    [segment] = [path for path in build.iterdir() if path.is_dir()]
    damage(segment)
    damaged = await EmbeddedIndex(folder).open(1)
    try:
        with pytest.raises(IndexDown):
            await flawed(damaged, rows)
    finally:
        await damaged.close()


async def test_a_lost_database_is_seen_in_the_numbers(folder: Path) -> None:
    build = await filled(folder, vectors("ann", range(10)))
    (build / "chroma.sqlite3").unlink()
    again = await EmbeddedIndex(folder).open(1)
    assert await again.seqs() == set()
    await again.close()


async def test_a_second_process_waits_until_the_first_one_lets_go(folder: Path) -> None:
    descriptor = folder_lock.lock(folder / "1", 0)
    with pytest.raises(TimeoutError):
        folder_lock.lock(folder / "1", 0)
    opening = asyncio.ensure_future(EmbeddedIndex(folder).open(1))
    path = str(folder / "1" / folder_lock.NAME)
    await until(lambda: any(path in _open_files(child) for child in psutil.Process().children()))
    assert not opening.done()
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
    await (await opening).close()


def _open_files(process: psutil.Process) -> list[str]:
    try:
        return [file.path for file in process.open_files()]
    except psutil.Error:
        return []


async def test_a_killed_service_takes_its_process_along_without_damage(folder: Path) -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, folder, cwd=ROOT, stdout=PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    while (put := int(await parent.stdout.readline())) < MANY:
        pass
    parent.kill()
    await parent.communicate()
    build = await EmbeddedIndex(folder).open(1)
    assert await build.seqs() >= set(range(put))
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    await build.close()


async def test_nothing_of_other_builds_or_of_an_earlier_layout_is_left(folder: Path) -> None:
    index = EmbeddedIndex(folder)
    await index.drop_others(1)
    await filled(folder, vectors("ann", range(10)))
    _touch(folder / "chroma.sqlite3")
    _touch(folder / "c0ffee" / "data_level0.bin")
    await (await index.open(2)).close()
    await index.drop_others(2)
    assert names(folder) == ["2"]


async def test_a_server_that_is_not_there_is_down() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        index = ServerIndex(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(IndexDown):
            await index.open(1)
        with pytest.raises(IndexDown):
            await index.drop_others(1)


async def test_what_others_keep_on_the_server_is_left_alone(server_url: str) -> None:
    async with httpx2.AsyncClient(
        base_url=f"{server_url}/api/v2/tenants/default_tenant/databases/default_database"
    ) as http:
        (await http.post("/collections", json={"name": "memories-of-somebody-else"})).raise_for_status()
        await ServerIndex(server_url).drop_others(1)
        names = [collection["name"] for collection in (await http.get("/collections")).json()]
    assert "memories-of-somebody-else" in names
    assert not [name for name in names if re.fullmatch(r"memories-(?!1-)\d+-\d+", name)]
