"""`python -m services.gateway.mcp` speaks MCP on standard input and output, with the rights of the credential it has.

Its settings are the gateway's; `puppetctl mcp` sets them.
"""

import asyncio
import sys

from services.gateway.bootstrap import targets_of
from services.gateway.mcp.server import build
from services.gateway.settings import GatewaySettings
from services.gateway.web.sessions import RELAY
from services.runtime.rpc.client import connect
from services.runtime.rpc.server import proof_of
from services.runtime.settings import SettingsError
from services.runtime.version import suite_version


async def main() -> None:
    """Serve until the other side closes its end."""
    settings = GatewaySettings()
    async with connect(targets_of(settings), proof_of(RELAY, settings)) as stubs:
        await build(stubs, suite_version()).run_stdio_async()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except SettingsError as error:
        sys.exit(str(error))
