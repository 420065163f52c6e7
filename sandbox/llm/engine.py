"""llama.cpp's own OpenAI-compatible server, inside this process, on a Unix socket.

It answers whoever reaches it, web pages too, so it gets no port, and its socket lies in a folder that only its owner
enters.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sandbox.llm.model import ModelError
from sandbox.llm.settings import LlmSandboxSettings

_PROMPT_CACHE_MIB = 256
"""For prompts that no slot holds any more: enough for the eight of four characters that take turns."""


@asynccontextmanager
async def run_engine(model: Path, settings: LlmSandboxSettings) -> AsyncIterator[str]:
    """Run the engine for as long as the context is open, and yield the path of its socket."""
    with tempfile.TemporaryDirectory(prefix="puppet-llm-") as folder:
        socket = f"{folder}/engine.sock"
        engines = [await asyncio.to_thread(_start, model, settings, socket)]
        try:
            yield socket
        finally:
            # The engine stops when its last reference goes, and then waits for its open connections: off the event
            # loop, which has to close them.
            await asyncio.to_thread(engines.clear)


def _start(model: Path, settings: LlmSandboxSettings, socket: str) -> Any:
    # OpenMP reads this once, when the library below is loaded. Its threads would otherwise spin at each barrier, which
    # on cores that other processes use too was measured to decode ten times slower, and on idle cores hardly faster.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelError(
            f"llama.cpp can't be loaded ({error}); on Debian and Ubuntu `apt install libgomp1` helps"
        ) from error

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    # Without an alias the path of the file would be the public name of the model.
    params.model_alias = {model.stem}
    params.hostnames = [socket]
    params.n_ctx = settings.context
    params.n_parallel = settings.slots
    params.cpuparams.n_threads = settings.threads
    params.cpuparams_batch.n_threads = settings.threads
    # One KV cache for all slots: the choices of a call share the cells of their prompt instead of copying them.
    params.kv_unified = True
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    # Embeddings are mean-pooled, the usual way for a model that was not trained for them.
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.use_jinja = True
    # What the settings say is what is allocated, whatever memory happens to be free.
    params.fit_params = False
    params.ui = False
    params.verbosity = 0
    return xllamacpp.Server(params)
