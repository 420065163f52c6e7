"""A client that can't be built here is left out, and one that doesn't build is a fault."""

import os
from pathlib import Path

import pytest

from tools.languages import BuildError, Language, LeftOutError


def _language(folder: Path, fetch: str = "true", build: str = "true", tool: str = "sh") -> Language:
    (folder / "lock").touch()
    return Language(
        "x", str(folder), (tool,), ("sh", "-c", fetch), ("lock", "there"), (("sh", "-c", build),), ("true",)
    )


async def test_without_its_tool_it_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(LeftOutError, match="there is no nobody-has-this here"):
        await _language(tmp_path, tool="nobody-has-this").build()


async def test_without_its_packages_it_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(LeftOutError, match="its packages can't be had \\(no network\\)"):
        await _language(tmp_path, fetch="echo no network; false").build()


async def test_what_does_not_build_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"ended with 3: a type is wrong"):
        await _language(tmp_path, build="echo a type is wrong; exit 3").build()


async def test_packages_are_fetched_once_and_again_when_others_are_named(tmp_path: Path) -> None:
    language = _language(tmp_path, fetch="echo once >> fetched; touch there")
    for _ in range(2):
        await language.build()
    assert (tmp_path / "fetched").read_text() == "once\n"
    os.utime(tmp_path / "lock", (2**32, 2**32))
    await language.build()
    assert (tmp_path / "fetched").read_text() == "once\nonce\n"
