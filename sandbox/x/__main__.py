"""Run the X sandbox: `python -m sandbox.x`."""

from sandbox.server import serve
from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = XSettings()
    serve(build_x_app, settings)


if __name__ == "__main__":
    main()
