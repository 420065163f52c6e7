"""`python -m services.agents` serves until SIGTERM."""

from services.agents.bootstrap import opener
from services.agents.settings import AgentsSettings
from services.runtime.rpc.server import run

if __name__ == "__main__":
    run("agents", AgentsSettings, opener)
