"""A parent that can be killed: runs stand-ins, writes their pids to standard output, and waits."""

import asyncio
import sys
from pathlib import Path

from puppetctl.datadir import locked
from puppetctl.local.processes import running
from tests.integration.puppetctl.programs import standin


async def main(folder: Path) -> None:
    """Run two stand-ins on a data folder until the end."""
    with locked(folder) as lock:
        async with running([standin("one"), standin("two")], folder / "logs", print, [lock]) as children:
            await asyncio.gather(*(child.wait_healthy() for child in children))
            sys.stdout.write(f"{' '.join(str(child.pid) for child in children)}\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
