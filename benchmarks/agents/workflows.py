"""The baseline: bare DBOS workflows with as many steps as a post has, each of which returns a little JSON.

`python -m benchmarks.agents.workflows URL EXECUTOR SECONDS` runs as many as it can, and prints how many that were.
"""

import asyncio
import json
import logging
import sys
import time
from pathlib import Path

from dbos import DBOS, DBOSConfig, SetWorkflowID

STEPS = ("propose", "send", "remember", "end")
AT_ONCE = 50


@DBOS.workflow(name="bare")
async def bare(number: int) -> None:
    """Do the steps of a post, without the post."""
    for name in STEPS:
        await DBOS.run_step_async({"name": name}, _result, number, name)


async def _result(number: int, name: str) -> dict[str, str]:
    return {"step": name, "text": f"The lamp is lit for number {number}. " * 4}


async def _measured(executor: str, seconds: float) -> tuple[int, float, float]:
    done, began, cpu = 0, time.perf_counter(), time.process_time()

    async def worker(place: int) -> None:
        nonlocal done
        number = 0
        while time.perf_counter() - began < seconds:
            with SetWorkflowID(f"bare/{executor}/{place}/{number}"):
                handle = await DBOS.start_workflow_async(bare, number)
            await handle.get_result()
            number, done = number + 1, done + 1

    await asyncio.gather(*map(worker, range(AT_ONCE)))
    return done, time.perf_counter() - began, time.process_time() - cpu


def main(url: str, executor: str, seconds: float) -> None:
    """Run workflows for so long, and print how many there were, in how many seconds, with how much CPU."""
    logging.getLogger("dbos").addHandler(logging.NullHandler())
    # The settings of the service itself, but for what it stores its results as.
    config = DBOSConfig(
        name="bare",
        system_database_url=url,
        executor_id=executor,
        application_version="1",
        log_level="ERROR",
        use_listen_notify=False,
        notification_listener_polling_interval_sec=0.2,
    )
    DBOS(config=config)
    DBOS.launch()
    try:
        print(json.dumps(asyncio.run(_measured(executor, seconds))))
    finally:
        DBOS.destroy()


def sqlite_url(folder: Path) -> str:
    """Return the URL of a database in this folder."""
    return f"sqlite:///{folder / 'bare.db'}"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
