"""What images are built from."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.images import context, dockerfiles, ignored

SERVICES = ("agents", "gateway", "llm", "memory", "social", "trading")


def test_an_image_is_built_from_its_own_service_and_what_all_share() -> None:
    images = dockerfiles(ROOT)
    assert images.keys() == {*SERVICES, "sandbox"}
    for name in SERVICES:
        files = {str(path) for path in context(ROOT, images[name])}
        assert f"services/{name}/__main__.py" in files
        assert "services/runtime/rpc/server.py" in files
        assert f"requirements/{name}.txt" in files
        assert "deploy/probe.sh" in files
        others = tuple(f"services/{other}/" for other in SERVICES if other != name)
        assert not [path for path in files if path.startswith((*others, "sandbox/", "tests/"))]


def test_nothing_else_is_sent_to_the_builder(tmp_path: Path) -> None:
    sent = ["services/memory/wire.py", "protos/gen/puppet/a.py", "deploy/probe.sh", "requirements/memory.txt"]
    kept = [
        *(".env", "var/auth/credentials/operator.json", "certs/ca.key", ".git/config", "protos/puppet/a.proto"),
        *("deploy/kubernetes/secret.yaml", "services/memory/README.md", "sandbox/x/__pycache__/a.pyc"),
        *("services/memory/Dockerfile", "operator.json"),
    ]
    for path in (*sent, *kept):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / ".dockerignore").write_text((ROOT / ".dockerignore").read_text())
    assert {str(path) for path in ignored(tmp_path, tmp_path)} == {*kept, ".dockerignore"}


def test_a_file_that_is_copied_and_not_sent_is_told(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("*\n")
    (tmp_path / "a.txt").touch()
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM x\nCOPY a.txt b.txt\n")
    with pytest.raises(FileNotFoundError, match=r"a\.txt"):
        context(tmp_path, dockerfile)
