"""The example clients of `clients/`: what each needs, how it is built, and how it is run."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLIENTS = ROOT / "clients"
_BIN = Path(sys.executable).parent
"""Where `buf` and protoc are that came with Python's packages."""

_BUILD_SECONDS = 1_200.0


class LeftOutError(Exception):
    """A tool or a package isn't to be had on this machine; the message says which."""


class BuildError(Exception):
    """A client doesn't build, though all that it needs is there."""


@dataclass(frozen=True, slots=True)
class Language:
    """How a client of a language is made; commands run in its folder."""

    name: str
    folder: str
    tools: Sequence[str]
    fetch: Sequence[str]
    """What brings its packages."""
    fetched: tuple[str, str]
    """The file that names the packages, and what is newer than that once they are here; empty: look each time."""
    builds: Sequence[Sequence[str]]
    command: Sequence[str]

    @property
    def path(self) -> Path:
        """Return where the client is."""
        return CLIENTS / self.folder

    async def build(self) -> None:
        """Fetch what it needs, generate and compile. Raises LeftOutError and BuildError."""
        if missing := [tool for tool in self.tools if shutil.which(tool) is None]:
            raise LeftOutError(f"there is no {' and no '.join(missing)} here")
        if not self._is_fetched():
            code, said = await run(self.fetch, self.path)
            if code:
                raise LeftOutError(f"its packages can't be had ({said.strip()[-200:]})")
        for command in self.builds:
            code, said = await run(command, self.path)
            if code:
                raise BuildError(f"`{' '.join(command)}` ended with {code}: {said.strip()[-2000:]}")

    def _is_fetched(self) -> bool:
        named, there = (self.path / name for name in self.fetched)
        return there.is_file() and there.stat().st_mtime >= named.stat().st_mtime


TYPESCRIPT = Language(
    name="TypeScript",
    folder="typescript",
    tools=("node", "npm"),
    fetch=("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"),
    fetched=("package-lock.json", "node_modules/.package-lock.json"),
    builds=(("npm", "run", "generate"), ("npm", "run", "check")),
    command=("node_modules/.bin/tsx", "client.ts"),
)
GO = Language(
    name="Go",
    folder="go",
    tools=("go",),
    fetch=("go", "mod", "download"),
    fetched=("go.mod", "bin/client"),
    builds=(
        ("buf", "generate"),
        ("go", "vet", "./client", "./llm"),
        ("go", "build", "-p", "1", "-o", "bin/", "./client", "./llm"),
    ),
    command=("bin/client",),
)
JAVA = Language(
    name="Java",
    folder="java",
    tools=("java", "mvn"),
    fetch=("mvn", "-q", "-B", "dependency:resolve"),
    fetched=("pom.xml", "target/client-example-0.jar"),
    builds=(("mvn", "-q", "-B", "package"),),
    command=("java", "-cp", "target/client-example-0.jar:target/dependency/*", "dev.puppetengine.clients.Client"),
)
RUST = Language(
    name="Rust",
    folder="rust",
    tools=("cargo",),
    fetch=("cargo", "fetch", "-q"),
    fetched=("Cargo.toml", "target/debug/client"),
    builds=(("cargo", "build", "-q", "-j1"),),
    command=("target/debug/client",),
)
RUBY = Language(
    name="Ruby",
    folder="ruby",
    tools=("ruby", "protoc", "grpc_ruby_plugin"),
    fetch=("ruby", "-e", "require 'grpc'; require 'google/rpc/error_details_pb'"),
    fetched=("client.rb", ""),
    builds=(("./generate",), ("ruby", "-c", "client.rb")),
    command=("ruby", "client.rb"),
)
LANGUAGES = (TYPESCRIPT, GO, JAVA, RUST, RUBY)


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this environment with the tools that came with Python's packages in front, and these settings."""
    tools = {"PATH": f"{_BIN}:{os.environ['PATH']}", "PROTOC": str(_BIN / "python-grpc-tools-protoc")}
    return os.environ | tools | dict(settings or {})


async def run(command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command to its end, and return its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_BUILD_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return -1, f"it takes longer than {_BUILD_SECONDS:.0f} s"
    return process.returncode or 0, said.decode(errors="replace")
