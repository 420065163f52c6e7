"""What is built carries the contracts, so that whoever installs it can generate clients and call without reflection."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from tests.conftest import ROOT
from tests.contract.test_file_options import GO_MODULE
from tests.contract.test_protos import METHODS

PROTOS = ROOT / "protos"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [str(BIN / "uv"), "build", "--wheel", "--no-build-isolation", "--offline", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_has_every_proto_as_it_is(wheel: zipfile.ZipFile) -> None:
    files = sorted((PROTOS / "puppet").rglob("*.proto"))
    assert files
    for path in files:
        assert wheel.read(str(path.relative_to(PROTOS))) == path.read_bytes()


def test_the_wheel_says_that_its_contracts_are_typed(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert "puppet/py.typed" in names
    stubs = {str(path.relative_to(PROTOS / "gen")) for path in (PROTOS / "gen" / "puppet").rglob("*.pyi")}
    assert stubs
    assert stubs <= names


def test_the_released_contracts_are_a_descriptor_set_that_stands_alone(wheel: zipfile.ZipFile) -> None:
    data = wheel.read("puppet/released.binpb")
    assert data == (PROTOS / "released.binpb").read_bytes()
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(data).file:
        # Each file stands behind those that it imports.
        pool.Add(file)
    for method in METHODS:
        assert pool.FindMethodByName(method.full_name).input_type.full_name == method.input_type.full_name


def test_the_protos_are_a_module_of_buf(tmp_path: Path) -> None:
    config = yaml.safe_load((PROTOS / "buf.yaml").read_text())
    domain, *owner_and_module = config["name"].split("/")
    assert domain == GO_MODULE.split("/")[0]
    assert len(owner_and_module) == 2
    subprocess.run([BIN / "buf", "export", PROTOS, "--output", tmp_path], check=True, capture_output=True)
    exported = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.proto")}
    assert exported == {str(path.relative_to(PROTOS)) for path in (PROTOS / "puppet").rglob("*.proto")}
