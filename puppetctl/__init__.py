"""The command line: starts the suite on one machine, and talks to it wherever it runs."""

from pathlib import Path

DATA_DIR = Path("var")
"""Where everything is kept when no folder is named: below the folder in which a command is run."""
