"""`python -m services.llm` serves until SIGTERM."""

from services.llm.bootstrap import opener
from services.llm.settings import LlmSettings
from services.runtime.rpc.server import run

if __name__ == "__main__":
    run("llm", LlmSettings, opener)
