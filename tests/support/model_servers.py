"""OpenAI-compatible servers that nobody here wrote: llama.cpp's own, and aimock, which fails on demand."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sandbox.llm.model import find_model
from tests.support.http import free_port
from tests.support.waits import until
from tools.languages import Language, environment

AIMOCK = Language(
    name="aimock",
    folder=str(Path(__file__).with_name("aimock")),
    tools=("node", "npm"),
    fetch=("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"),
    fetched=("package-lock.json", "node_modules/.package-lock.json"),
    builds=(),
    command=("node_modules/.bin/llmock", "--strict", "--log-level", "silent", "--fixtures", "fixtures.json"),
)


@asynccontextmanager
async def llama_cpp() -> AsyncIterator[str]:
    """Run llama.cpp's server with the packaged model, as its own command line would; the value is its base URL."""
    servers = [await asyncio.to_thread(_llama_cpp)]
    try:
        yield f"{servers[0].listening_address}/v1"
    finally:
        # It stops when its last reference goes, and waits for its open connections.
        await asyncio.to_thread(servers.clear)


def _llama_cpp() -> Any:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(find_model())
    params.hostnames = ["127.0.0.1"]
    params.port = free_port()
    params.n_ctx = 4_096
    params.n_parallel = 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.use_jinja = True
    params.endpoint_metrics = True
    params.verbosity = 0
    return xllamacpp.Server(params)


@asynccontextmanager
async def aimock() -> AsyncIterator[str]:
    """Run aimock with its fixtures; the value is its base URL. Raises LeftOutError where it can't be had."""
    await AIMOCK.build()
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *AIMOCK.command, "--port", str(port), cwd=AIMOCK.path, env=environment(), stdout=asyncio.subprocess.DEVNULL
    )

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    try:
        await until(listens, 30)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        await process.wait()
