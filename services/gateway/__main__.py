"""`python -m services.gateway` serves until SIGTERM."""

from services.gateway.bootstrap import serving
from services.gateway.settings import GatewaySettings
from services.runtime.rpc.server import run_until_stopped

if __name__ == "__main__":
    run_until_stopped("gateway", GatewaySettings, serving)
