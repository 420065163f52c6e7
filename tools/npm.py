"""The contracts as an npm package: `make npm` builds it into `var/npm`, ready to be published."""

import asyncio
import shutil
import sys

from tools.languages import ROOT, BuildError, Language, LeftOutError, run
from tools.release import version_of

SOURCE, TARGET = ROOT / "protos" / "npm", ROOT / "var" / "npm"

PACKAGE = Language(
    name="npm",
    folder=str(TARGET),
    tools=("node", "npm"),
    fetch=("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"),
    fetched=("package-lock.json", "node_modules/.package-lock.json"),
    builds=(("npm", "run", "generate"), ("npm", "run", "compile"), ("npm", "pack", "--silent")),
    command=("node", "--input-type=module", "--eval"),
)


async def build() -> None:
    """Build the package anew, with the version of the suite. Raises LeftOutError and BuildError."""
    await asyncio.to_thread(_prepare)
    await PACKAGE.build()


def _prepare() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for made in ("src", "dist"):
        shutil.rmtree(TARGET / made, ignore_errors=True)
    for path in SOURCE.iterdir():
        # With its times, by which it is told whether the packages are there.
        shutil.copy2(path, TARGET)
    version = version_of((ROOT / "pyproject.toml").read_text())
    package = TARGET / "package.json"
    package.write_text(package.read_text().replace('"version": "0.0.0"', f'"version": "{version}"'))


async def main() -> None:
    """Build the package, and say where it is."""
    try:
        await build()
    except (LeftOutError, BuildError) as why:
        sys.exit(f"The npm package can't be built: {why}")
    _, said = await run(("npm", "pack", "--dry-run"), TARGET)
    sys.stdout.write(f"{said}\nIt is in {TARGET.relative_to(ROOT)}\n")


if __name__ == "__main__":
    asyncio.run(main())
