"""`python -m services.memory` serves until SIGTERM."""

from services.memory.bootstrap import opener
from services.memory.settings import MemorySettings
from services.runtime.rpc.server import run

if __name__ == "__main__":
    run("memory", MemorySettings, opener)
