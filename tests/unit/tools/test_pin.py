"""Pinning the base images."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.compose import FILE
from tools.pin import IMAGES, PinError, pin, resolve

DIGEST = "sha256:" + "a" * 64


def _tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder in which programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_an_image_is_pinned_to_its_digest(path: Path) -> None:
    _tool(path, "docker", f'[ "$4 $5 $6" = "python:3.11-slim --format {{{{.Manifest.Digest}}}}" ] && echo {DIGEST}')
    assert resolve("python:3.11-slim") == f"python:3.11-slim@{DIGEST}"


def test_a_tool_that_gets_no_answer_leaves_it_to_the_next(path: Path) -> None:
    _tool(path, "docker", "echo no network >&2; exit 1")
    _tool(path, "crane", f"echo {DIGEST}")
    assert resolve("postgres:18") == f"postgres:18@{DIGEST}"


def test_without_a_network_or_a_tool_it_says_so(path: Path) -> None:
    with pytest.raises(PinError, match="none of docker"):
        resolve("postgres:18")
    _tool(path, "docker", "echo no network >&2; exit 1")
    with pytest.raises(PinError, match="nothing is pinned: docker says: no network"):
        resolve("postgres:18")


def test_what_else_stands_in_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PUPPET_AGENTS_SPEED=240\nPUPPET_BASE_IMAGE=python:old\n")
    pin(file, {"PUPPET_BASE_IMAGE": f"python:3.11-slim@{DIGEST}"})
    assert file.read_text() == f"PUPPET_AGENTS_SPEED=240\nPUPPET_BASE_IMAGE=python:3.11-slim@{DIGEST}\n"


def test_what_is_pinned_is_what_the_compose_file_uses() -> None:
    compose = FILE.read_text()
    for variable, image in IMAGES.items():
        assert f"${{{variable}:-{image}}}" in compose
    assert f"ARG BASE={IMAGES['PUPPET_BASE_IMAGE']}\n" in (ROOT / "services" / "memory" / "Dockerfile").read_text()
