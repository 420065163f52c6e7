"""`python -m services.trading` serves until SIGTERM."""

from services.runtime.rpc.server import run
from services.trading.bootstrap import opener
from services.trading.settings import TradingSettings

if __name__ == "__main__":
    run("trading", TradingSettings, opener)
