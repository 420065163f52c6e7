"""Run the X sandbox: `python -m sandbox.x`."""

from sandbox.server import serve
from sandbox.settings import read_settings
from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = read_settings(XSettings)
    serve(build_x_app, settings)


if __name__ == "__main__":
    main()
