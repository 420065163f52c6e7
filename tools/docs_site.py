"""`make docs` lays out the repository's Markdown as the site's pages: each where it is, so that links among them hold.

A link to anything else of the repository leads nowhere on a site, and becomes the name of that file.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_LEFT_OUT = (".venv", ".venv-docs", ".git", "var", "dist", "tests", "node_modules", ".github")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:|^#")
_FENCE = re.compile(r"^\s*```")


class Page(NamedTuple):
    """A page: its path below the repository, and its text as the site has it."""

    path: Path
    text: str


def pages(root: Path) -> Iterator[Page]:
    """Yield every page of a repository."""
    found = [path for path in sorted(root.rglob("*.md")) if path.relative_to(root).parts[0] not in _LEFT_OUT]
    known = {path.resolve() for path in found}
    known |= {path.resolve() for path in root.glob("docs/*.json")}
    for path in found:
        yield Page(path.relative_to(root), "".join(_linked(path, known)))


def _linked(path: Path, known: set[Path]) -> Iterator[str]:
    def shown(link: re.Match[str]) -> str:
        target, _, _ = link["target"].partition("#")
        if _ELSEWHERE.match(link["target"]) or (path.parent / target).resolve() in known:
            return link[0]
        return link["text"]

    is_code = False
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if _FENCE.match(line):
            is_code = not is_code
        yield line if is_code else _LINK.sub(shown, line)


def lay_out(root: Path, folder: Path) -> None:
    """Write the pages into a folder, which holds nothing else afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    for page in pages(root):
        target = folder / page.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page.text, encoding="utf-8")
    for file in (*root.glob("docs/*.json"), *root.glob("docs/images/*")):
        target = folder / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)


if __name__ == "__main__":
    lay_out(Path(), Path(sys.argv[1]))
