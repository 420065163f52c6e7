"""A suite on other ports, in another folder, of another user: it is found, or it is said why not."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from puppetctl.__main__ import app
from puppetctl.access import commands as access
from puppetctl.characters import commands
from puppetctl.checks.doctor import doctor
from puppetctl.clients import addresses, proof_in
from puppetctl.datadir import locked, running_addresses, write_state
from puppetctl.suite import DEFAULT_PORTS, SuiteError, free_ports, location_setting
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from tests.integration.puppetctl.conftest import World
from tests.integration.puppetctl.services import SANDBOX_TOKEN
from tests.support.channels import operator_of

NOBODY = 65534


@contextlib.contextmanager
def suite_at(data_dir: Path, where: dict[str, str]) -> Iterator[None]:
    """Hold the data folder as a suite does whose programs listen there."""
    with locked(data_dir) as lock:
        write_state(lock, {"programs": {name: {"address": address, "pid": 1} for name, address in where.items()}})
        yield


@pytest.fixture
def unsaid(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Take the world's addresses out of the environment, and return them."""
    names = ("agents", "memory", "social", "trading", "sandbox.x", "sandbox.solana")
    where = {name: os.environ[location_setting(name)] for name in names}
    for name in names:
        monkeypatch.delenv(location_setting(name))
    return where


def test_a_suite_on_other_ports_is_found_where_its_folder_says(tmp_path: Path) -> None:
    with suite_at(tmp_path, {"memory": "127.0.0.1:7", "sandbox.x": "127.0.0.1:8"}):
        assert running_addresses(tmp_path) == {"memory": "127.0.0.1:7", "sandbox.x": "127.0.0.1:8"}
        where = addresses({}, tmp_path)
        assert (where["memory"], where["sandbox.x"], where["llm"]) == ("127.0.0.1:7", "127.0.0.1:8", "127.0.0.1:50053")
        assert addresses({"PUPPET_CTL_SANDBOX_X": "far:1"}, tmp_path)["sandbox.x"] == "far:1"
    assert addresses({}, tmp_path)["memory"] == "127.0.0.1:50052"


def test_what_a_suite_that_was_killed_has_left_is_not_believed(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom puppetctl.datadir import locked, write_state\n"
        "with locked(Path(sys.argv[1])) as lock:\n"
        "    write_state(lock, {'programs': {'memory': {'address': '127.0.0.1:7', 'pid': 1}}})\n"
        "    print('held', flush=True)\n    input()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    assert running_addresses(tmp_path) == {"memory": "127.0.0.1:7"}
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert "127.0.0.1:7" in (tmp_path / "puppetctl.lock").read_text()
    assert running_addresses(tmp_path) == {}
    with locked(tmp_path):
        assert running_addresses(tmp_path) == {}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"programs": 7}', '{"programs": {"memory": 7}}', "\xff"])
def test_a_lock_file_that_says_nothing_is_no_error(tmp_path: Path, content: str) -> None:
    with locked(tmp_path) as lock:
        os.truncate(lock, 0)
        os.pwrite(lock, content.encode("latin-1"), 0)
        assert running_addresses(tmp_path) == {}


def test_a_shorter_state_is_read_before_the_longer_one_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with suite_at(tmp_path, {"memory": "127.0.0.1:7", "llm": "127.0.0.1:8"}):
        with monkeypatch.context() as patch, (tmp_path / "puppetctl.lock").open("r+b") as file:
            patch.setattr(os, "truncate", lambda *_: None)
            write_state(file.fileno(), {"programs": {"memory": {"address": "127.0.0.1:9"}}})
        assert running_addresses(tmp_path) == {"memory": "127.0.0.1:9"}


async def test_apply_gives_an_account_at_the_sandbox_of_a_suite_on_other_ports(
    world: World, unsaid: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"id": "odd", "name": "Odd"}))
    folder = tmp_path / "var" / "sandbox" / "x"
    folder.mkdir(parents=True)
    (folder / "admin.token").write_text(SANDBOX_TOKEN)
    with suite_at(tmp_path / "var", unsaid):
        assert await commands.apply([path], tmp_path / "var") == 0
    assert world.sandbox.calls == ["account odd"]
    assert world.agents.agents["odd"].account_id == "acc_odd"


async def test_apply_says_when_no_sandbox_answers(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "basil.json"
    path.write_text(json.dumps({"id": "basil", "name": "Basil", "solana_integration": {"trading_enabled": True}}))
    free = free_ports()
    for name in ("sandbox.x", "sandbox.solana"):
        monkeypatch.setenv(location_setting(name), f"127.0.0.1:{free[name]}")
    assert await commands.apply([path], tmp_path) == 0
    told = capsys.readouterr().out
    assert f"basil: created without an account: no X sandbox answers at 127.0.0.1:{free['sandbox.x']}" in told
    assert f"its wallet is empty: no Solana sandbox answers at 127.0.0.1:{free['sandbox.solana']}" in told


async def test_apply_takes_nothing_from_a_sandbox_that_is_not_of_the_suite(
    world: World,
    unsaid: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"id": "odd", "name": "Odd"}))
    monkeypatch.setenv("PUPPET_SANDBOX_X_PORT", unsaid["sandbox.x"].rpartition(":")[2])
    with suite_at(tmp_path / "var", {name: where for name, where in unsaid.items() if name != "sandbox.x"}):
        assert await commands.apply([path], tmp_path / "var") == 0
    assert world.sandbox.calls == []
    assert "odd: created without an account: X is live, and nothing is given there" in capsys.readouterr().out


async def test_applying_the_same_file_again_says_that_nothing_changed(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUPPET_SANDBOX_X_ADMIN_TOKEN", SANDBOX_TOKEN)
    path = tmp_path / "odd.json"
    told = []
    for name in ("Odd", "Odd", "Odd H."):
        path.write_text(json.dumps({"id": "odd", "name": name}))
        assert await commands.apply([path], tmp_path) == 0
        told.append(capsys.readouterr().out.partition(";")[0])
    assert told == ["odd: created", "odd: unchanged", "odd: updated"]


async def test_the_doctor_looks_where_the_suite_of_the_folder_runs(
    world: World, unsaid: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = {name: f"127.0.0.1:{port}" for name, port in free_ports().items()} | {"sandbox.x": unsaid["sandbox.x"]}
    with suite_at(tmp_path, elsewhere):
        assert await doctor(tmp_path, {}) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert f"sandbox.x healthy at {unsaid['sandbox.x']}" in told
    assert f"nothing answers at {elsewhere['memory']}" in told
    assert "does not run here" not in told


async def test_the_doctor_hears_a_service_on_a_socket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "agents.sock"
    server = await asyncio.start_unix_server(lambda _, writer: writer.close(), path)
    where = {location_setting(name): f"127.0.0.1:{port}" for name, port in free_ports().items()}
    await doctor(tmp_path, where | {"PUPPET_CTL_AGENTS": f"unix:{path}"})
    server.close()
    assert "does not answer as a healthy agents does" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("command", [["agents"], ["call", "memory/ListMemories"], ["memory", "stats", "odd"], ["halt"]])
def test_every_command_goes_by_the_folder_that_is_named(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUPPET_CTL_CREDENTIAL", raising=False)
    result = CliRunner().invoke(app, [*command, "--data", str(tmp_path / "elsewhere")])
    assert result.exit_code == 1
    assert str(tmp_path / "elsewhere/auth/credentials/operator.json") in result.output


@contextlib.contextmanager
def another_user(folder: Path) -> Iterator[None]:
    """Act as somebody who may not look into a folder."""
    if os.geteuid():
        folder.chmod(0)
        yield
        folder.chmod(0o700)
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["agents"], "belongs to another user"),
        (["token", "memory"], "belongs to another user"),
        (["principals", "list"], "Permission denied"),
        (["principals", "revoke", "dash"], "Permission denied"),
        (["doctor"], "belongs to another user"),
        (["memory", "export", "odd"], "belongs to another user"),
        (["call", "memory/ListMemories"], "belongs to another user"),
        (["apply", "odd.json"], "Permission denied"),
        (["keys", "forget", "social"], "Permission denied"),
    ],
)
def test_the_folder_of_another_user_is_said_in_words(
    command: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PUPPET_CTL_CREDENTIAL", raising=False)
    # What a command imports when it runs may be out of another user's reach as well.
    CliRunner().invoke(app, [*command, "--data", str(tmp_path / "missing")])
    data = tmp_path / "var"
    data.mkdir(mode=0o700)
    operator_of(data)
    monkeypatch.chdir(tmp_path)
    with another_user(data):
        with pytest.raises(SuiteError, match="Permission denied"), locked(data):
            pass
        result = CliRunner().invoke(app, [*command, "--data", str(data)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert words in " ".join(result.output.split())


def test_the_credential_of_another_user_is_said_in_words(tmp_path: Path) -> None:
    operator_of(tmp_path)
    (tmp_path / "auth" / "credentials").chmod(0o700)
    given = {"PUPPET_CTL_CREDENTIAL": str(PrincipalFiles(tmp_path / "auth").credential_path(OPERATOR))}
    with another_user(tmp_path / "auth" / "credentials"), pytest.raises(SuiteError, match="Permission denied"):
        proof_in(given, tmp_path)


def test_the_last_operator_goes_only_when_it_is_meant_and_the_way_back_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operator_of(tmp_path)
    with pytest.raises(SuiteError, match="is the last operator"):
        access.revoke(OPERATOR, tmp_path)
    access.add("ann", "operator", None, tmp_path, may_write=False)
    access.revoke(OPERATOR, tmp_path)
    assert "operator is revoked" in capsys.readouterr().out
    with pytest.raises(SuiteError, match=r"principals add operator --kind operator"):
        proof_in({}, tmp_path)
    access.revoke("ann", tmp_path, is_sure=True)
    assert "principals add operator --kind operator" in capsys.readouterr().out
    result = CliRunner().invoke(app, ["principals", "add", "operator", "--kind", "operator", "--data", str(tmp_path)])
    assert result.exit_code == 0
    proof_in({}, tmp_path)
    result = CliRunner().invoke(app, ["principals", "revoke", "operator", "--data", str(tmp_path)])
    assert (result.exit_code, "--yes" in result.output) == (1, True)
    PrincipalFiles(tmp_path / "auth").credential_path(OPERATOR).unlink()
    with pytest.raises(SuiteError, match=r"principals rotate operator"):
        proof_in({}, tmp_path)


def test_every_program_has_a_variable_that_says_where_it_is() -> None:
    assert location_setting("sandbox.x") == "PUPPET_CTL_SANDBOX_X"
    assert len({location_setting(name) for name in DEFAULT_PORTS}) == len(DEFAULT_PORTS)


async def test_the_doctor_knows_what_is_live_for_the_suite_that_runs(
    unsaid: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with suite_at(tmp_path, {name: where for name, where in unsaid.items() if name != "sandbox.x"}):
        await doctor(tmp_path, {})
    assert re.search(r"X +live, for the suite that runs here", capsys.readouterr().out)
