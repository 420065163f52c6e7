"""`python -m sandbox.solana` serves the Solana sandbox."""

from sandbox.server import serve
from sandbox.settings import read_settings
from sandbox.solana.app import create_app
from sandbox.solana.settings import SolanaSandboxSettings


def main() -> None:
    """Read the settings and serve until SIGTERM or SIGINT."""
    settings = read_settings(SolanaSandboxSettings)
    serve(create_app, settings, speaks_websocket=True)


if __name__ == "__main__":
    main()
