"""What the page is made of: libraries as they were published, and nothing that a strict policy would have to allow."""

import hashlib
import re

from tests.conftest import ROOT

PAGE = ROOT / "services" / "gateway" / "page"
VENDOR = PAGE / "vendor"
OWN = [path for path in PAGE.rglob("*") if path.is_file() and VENDOR not in path.parents]
OTHER_HOST = re.compile(r"""(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z0-9.-]+\.[a-z]{2,}""")


def test_every_library_is_named_with_its_hash_and_licence() -> None:
    rows = re.findall(r"^\| (\S+) \| \S+ \| \S+ \| \S+ \| `([0-9a-f]{64})` \|$", _third_party(), re.MULTILINE)
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "THIRD_PARTY.md"
    }
    assert found
    assert dict(rows) == found


def test_nothing_of_the_page_lies_on_another_host() -> None:
    named = {path.name: found for path in OWN if (found := OTHER_HOST.findall(path.read_text()))}
    assert named == {}


def test_the_page_has_no_script_or_style_in_its_markup() -> None:
    markup = (PAGE / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", markup)


def test_no_text_is_ever_read_as_markup() -> None:
    risky = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(|new Function"
    )
    assert {path.name for path in OWN if path.suffix == ".js" and risky.search(path.read_text())} == set()


def _third_party() -> str:
    return (VENDOR / "THIRD_PARTY.md").read_text()
