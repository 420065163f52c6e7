"""The language-model sandbox as a process of its own."""

import asyncio
import os
import re
import signal
import sys
import time
from pathlib import Path

import httpx2

SETTINGS = {"PUPPET_SANDBOX_LLM_PORT": "0", "PUPPET_SANDBOX_LLM_LOG_LEVEL": "info"}


async def _start(folder: Path, **settings: str) -> asyncio.subprocess.Process:
    settings |= {"PUPPET_SANDBOX_LLM_DATA_DIR": str(folder)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.llm", env=os.environ | SETTINGS | settings, stderr=asyncio.subprocess.PIPE
    )


async def _announced_url(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        if found := re.search(r"http://[\d.]+:\d+", line.decode()):
            return found[0]
    raise AssertionError("the process ended before it listened")


async def test_the_process_stops_soon_after_sigterm(tmp_path: Path) -> None:
    process = await _start(tmp_path)
    async with httpx2.AsyncClient(base_url=await _announced_url(process)) as client:
        assert (await client.get("/v1/models")).status_code == 200
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert time.monotonic() - begun < 2


async def test_a_missing_model_ends_the_process_with_one_clear_line(tmp_path: Path) -> None:
    process = await _start(tmp_path, PUPPET_SANDBOX_LLM_MODEL="/nowhere/model.gguf")
    _, errors = await process.communicate()
    assert process.returncode == 1
    [line] = errors.decode().splitlines()
    assert line.startswith("PUPPET_SANDBOX_LLM_MODEL: there is no file /nowhere/model.gguf")
