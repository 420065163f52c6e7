"""Fetches the libraries of the gateway's page from npm: `python -m tools.vendor`; needs npm, and a registry.

They are served as they are, so nobody builds anything. Each comes in the version and with the hash that stand here, is
made to find its neighbours by their file names, which browsers need, and is written down in `THIRD_PARTY.md`.
"""

import base64
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "services" / "gateway" / "page" / "vendor"

_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*\n?", re.MULTILINE)
_HEAD = """# Libraries of others

What the page is made with beside its own files, taken from npm by `python -m tools.vendor`. A test keeps the hashes.

| file | package | version | licence | SHA-256 |
|---|---|---|---|---|
"""
_TAIL = """
`preact.LICENSE` and `htm.LICENSE` stand beside their files. `@cfworker/json-schema` comes without one, and its
package says: author Jeremy Danyow, licence MIT, which is this:

> Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
> documentation files (the "Software"), to deal in the Software without restriction, including without limitation
> the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and
> to permit persons to whom the Software is furnished to do so, subject to the following conditions:
>
> The above copyright notice and this permission notice shall be included in all copies or substantial portions of
> the Software.
>
> THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO
> THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
> AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
> CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
> IN THE SOFTWARE.
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of npm: which version with which content, and which of its files go where."""

    name: str
    version: str
    sha512: str
    licence: str
    files: Mapping[str, str]


PACKAGES = (
    Package(
        "preact",
        "11.2.0",
        "/HfHI/7N84e6GrWBJ3J280z3mLaRJiDcSvj/A+y/4AbLnND/1UlGHe1sR6oYuTGwId0nP7dqDU9OnLxMPZ7xBg==",
        "MIT",
        {"dist/preact.mjs": "preact.mjs", "hooks/dist/hooks.mjs": "hooks.mjs", "LICENSE": "preact.LICENSE"},
    ),
    Package(
        "htm",
        "3.1.1",
        "983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        "Apache-2.0",
        {"dist/htm.mjs": "htm.mjs", "LICENSE": "htm.LICENSE"},
    ),
    Package(
        "@cfworker/json-schema",
        "4.1.6",
        "YzVGTHXf4bzlyAL5KAvHYCdNbbt6zM5cYkAgxqxQPDQM6aZ4ShIIN5yJ+6q7YeonnevxT8k/LmD2tJi/jOiKkg==",
        "MIT",
        {
            f"dist/esm/{name}.js": f"json-schema/{name}.js"
            for name in ("deep-compare-strict", "dereference", "format", "pointer", "ucs2-length", "validate")
        },
    ),
)


def fetch(package: Package) -> dict[str, bytes]:
    """Return the files of a package by where they go. Raises SystemExit when the content is another one."""
    with tempfile.TemporaryDirectory(prefix="puppet-vendor-") as folder:
        command = ("npm", "pack", "--silent", f"{package.name}@{package.version}")
        named = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603
        content = (Path(folder) / named.stdout.strip().splitlines()[-1]).read_bytes()
    found = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != package.sha512:
        sys.exit(f"{package.name} {package.version} has another content than the one that was looked at: {found}")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {target: _read(archive, f"package/{source}") for source, target in package.files.items()}


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    text = _SOURCE_MAP.sub("", member.read().decode())
    return text.replace('from"preact"', 'from"./preact.mjs"').encode()


def main() -> None:
    """Write all files, and what they are."""
    rows = []
    for package in PACKAGES:
        for target, content in fetch(package).items():
            path = FOLDER / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            rows.append(f"| {target} | {package.name} | {package.version} | {package.licence} | `{digest}` |\n")
    (FOLDER / "THIRD_PARTY.md").write_text(_HEAD + "".join(rows) + _TAIL)


if __name__ == "__main__":
    main()
