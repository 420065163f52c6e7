"""Languages of which no client is here: what protoc generates for them of the contracts, and that nothing is lost."""

import platform
import shutil
import tempfile
from pathlib import Path

import grpc_tools

from tests.conftest import ROOT
from tools.languages import BuildError, LeftOutError, run

PROTOS = sorted(str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos" / "puppet").rglob("*.proto"))
KEPT = ROOT / "var" / "protoc"
_VERSION = "4.36.2"
_SYSTEMS = {"Linux": "linux", "Darwin": "osx"}
_MACHINES = {"x86_64": "x86_64", "aarch64": "aarch_64", "arm64": "aarch_64"}

LANGUAGES = {
    "C++": ("cpp", "*.pb.cc"),
    "C#": ("csharp", "*.cs"),
    "Objective-C": ("objc", "*.pbobjc.m"),
    "PHP": ("php", "*.php"),
    "Ruby": ("ruby", "*_pb.rb"),
}
"""By name: what protoc calls them, and their files."""


async def protoc() -> Path:
    """Return protoc with the generators that are built into it, which Python's lacks. Raises LeftOutError."""
    classifier = f"{_SYSTEMS.get(platform.system(), '?')}-{_MACHINES.get(platform.machine(), '?')}"
    path = KEPT / f"protoc-{_VERSION}-{classifier}.exe"
    if not path.exists():
        if shutil.which("mvn") is None:
            raise LeftOutError("there is no mvn here, which fetches protoc")
        artifact = f"com.google.protobuf:protoc:{_VERSION}:exe:{classifier}"
        KEPT.mkdir(parents=True, exist_ok=True)
        copy = ("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={KEPT}")
        code, said = await run(copy, ROOT)
        if code:
            raise LeftOutError(f"protoc can't be had ({said.strip()[-200:]})")
        path.chmod(0o700)
    return path


async def generated(language: str, target: Path) -> int:
    """Generate the contracts in a language, and return how many files there are. Raises LeftOutError and BuildError."""
    out, pattern = LANGUAGES[language]
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    code, said = await run(
        (str(await protoc()), "-I.", f"-I{well_known}", f"--{out}_out={target}", *PROTOS), ROOT / "protos"
    )
    if code:
        raise BuildError(said)
    return len([*target.rglob(pattern)])  # noqa: ASYNC240 - nothing waits for it


async def tried() -> tuple[list[str], list[str]]:
    """Return what came of each in words, and what was wrong."""
    told, faults = [], []
    for language in LANGUAGES:
        with tempfile.TemporaryDirectory(prefix="puppet-generated-") as folder:
            try:
                number = await generated(language, Path(folder))
            except LeftOutError as why:
                told.append(f"Generated for {language}: left out: {why}")
                continue
            except BuildError as fault:
                faults.append(f"{language}: {fault}")
                continue
        told.append(f"Generated for {language}: {number} files of {len(PROTOS)} contracts")
        # PHP has a file for each message; the others have one for each file, or one was written over another.
        if number < len(PROTOS) or (language != "PHP" and number > len(PROTOS)):
            faults.append(told[-1])
    return told, faults
