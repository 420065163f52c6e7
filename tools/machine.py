"""Says what isn't ready-made for this machine, before it is set up: `python tools/machine.py`, with any Python."""

import platform
import shutil
import sys


def notes(system: str, machine: str, has_compiler: bool) -> list[str]:
    """Return what somebody on this machine should know: nothing where the suite was tried."""
    if (system, machine) == ("Linux", "x86_64"):
        return []
    said = [f"The suite was tried on Linux x86-64; this is {system} {machine}."]
    if (system, machine) not in {("Linux", "aarch64"), ("Darwin", "arm64")}:
        return [*said, "Some of its packages have no wheels for it, and are built from source, if they can be."]
    said.append("wordllama has no wheel for it, and is built from source.")
    return said if has_compiler else [*said, "That takes a C compiler, and there is none here: install one first."]


if __name__ == "__main__":
    found = notes(platform.system(), platform.machine(), bool(shutil.which("cc") or shutil.which("clang")))
    sys.stdout.writelines(f"{line}\n" for line in found)
