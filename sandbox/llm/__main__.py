"""Starts the language-model sandbox: `python -m sandbox.llm`."""

import sys

from sandbox.llm.app import create_app
from sandbox.llm.model import ModelError
from sandbox.llm.settings import LlmSandboxSettings
from sandbox.server import serve
from sandbox.settings import read_settings


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = read_settings(LlmSandboxSettings)
    try:
        serve(create_app, settings)
    except ModelError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
