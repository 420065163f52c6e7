"""What `make release` makes."""

import asyncio
import hashlib
import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tests.conftest import ROOT
from tools.distribution import CARRIED, dependencies
from tools.images import dockerfiles
from tools.release import make, version_of

pytestmark = pytest.mark.slow

VERSION = version_of((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release") / "dist"
    make(folder)
    return folder


def test_everything_is_there_and_summed(dist: Path) -> None:
    made = {str(path.relative_to(dist)) for path in dist.rglob("*") if path.is_file()}
    images = dockerfiles(ROOT)
    assert made == {
        *(f"puppet_engine-{VERSION}-py3-none-any.whl", f"puppet_engine-{VERSION}.tar.gz"),
        *(f"puppet-engine-{VERSION}.binpb", "CHANGELOG.md", "SHA256SUMS"),
        *(f"images/{name}.txt" for name in images),
        *(f"sbom/{name}.cdx.json" for name in images),
    }
    for line in (dist / "SHA256SUMS").read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest


def test_the_wheel_brings_the_whole_suite_its_characters_and_its_licence(dist: Path) -> None:
    with zipfile.ZipFile(dist / f"puppet_engine-{VERSION}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        about = f"puppet_engine-{VERSION}.dist-info"
        metadata = HeaderParser().parsestr(wheel.read(f"{about}/METADATA").decode())
    assert f"{about}/licenses/LICENSE" in names
    assert metadata["License-Expression"] == "Apache-2.0"
    assert sorted(metadata.get_all("Requires-Dist") or []) == sorted(dependencies(ROOT))
    for source, target in CARRIED.items():
        carried = [ROOT / source] if (ROOT / source).is_file() else (ROOT / source).iterdir()
        assert {target if path == ROOT / source else f"{target}/{path.name}" for path in carried} <= names
    assert {"services/agents/__main__.py", "puppet/agents/v1/agent_service_pb2.py", "sandbox/x/app.py"} <= names
    assert not [name for name in names if name.startswith(("tests/", "tools/"))]


def test_the_descriptor_set_has_the_contracts_with_their_comments(dist: Path) -> None:
    files = FileDescriptorSet.FromString((dist / f"puppet-engine-{VERSION}.binpb").read_bytes()).file
    services = {f"{file.package}.{service.name}" for file in files for service in file.service}
    assert {"puppet.agents.v1.AgentService", "puppet.social.v1.SocialService"} <= services
    assert any(location.leading_comments for file in files for location in file.source_code_info.location)


def test_a_bill_of_materials_names_every_package_of_the_lock(dist: Path) -> None:
    for name in dockerfiles(ROOT):
        bill = json.loads((dist / "sbom" / f"{name}.cdx.json").read_text())
        assert bill["bomFormat"] == "CycloneDX"
        lock = (ROOT / "requirements" / f"{name}.txt").read_text()
        locked = {line.partition("==")[0] for line in lock.splitlines() if "==" in line.partition(" ")[0]}
        assert {component["name"] for component in bill["components"]} == locked


def test_the_source_holds_what_git_takes_and_nothing_that_was_built(dist: Path) -> None:
    with tarfile.open(dist / f"puppet_engine-{VERSION}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    taken = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(taken, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    assert names - {"PKG-INFO"} == {name for name in listed if (ROOT / name).is_file()}
    # What builds the archive reads no other: what another one names would be packed.
    assert {name for name in names if Path(name).name == ".gitignore"} == {".gitignore"}


async def test_the_wheel_starts_where_nothing_else_is(dist: Path, tmp_path: Path) -> None:
    """What `pip install` would put there, without the repository: the packages are this environment's."""
    with zipfile.ZipFile(dist / f"puppet_engine-{VERSION}-py3-none-any.whl") as wheel:
        wheel.extractall(tmp_path / "site")  # noqa: S202 - a zip file, which leads nowhere else
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", _SHOW),
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    origin, personas, *locks = output.decode().splitlines()
    assert process.returncode == 0
    assert Path(origin).is_relative_to(tmp_path / "site")
    assert Path(personas) == tmp_path / "site" / "puppetctl" / "personas"
    assert locks == [
        str(tmp_path / "site" / "sandbox" / "llm" / name) for name in ("model.txt", "gemma.txt", "qwen.txt")
    ]
    for lock in map(Path, locks):
        assert lock.read_text() == (ROOT / "requirements" / lock.name).read_text()


_SHOW = """
import puppetctl, puppetctl.local.up
from sandbox.llm.model import PACKED, requirements
print(puppetctl.local.up.__file__, puppetctl.DEMO_PERSONAS, *map(requirements, PACKED.values()), sep="\\n")
"""


def test_the_groups_of_the_images_and_the_locks_are_the_same() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert dockerfiles(ROOT).keys() <= groups.keys()
