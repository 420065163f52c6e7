"""The command line: starts the suite on one machine, and talks to it wherever it runs."""

from pathlib import Path

DATA_DIR = Path("var")
"""Where everything is kept when no folder is named: below the folder in which a command is run."""

# In the wheel they are packed beside this.
DEMO_PERSONAS = next(
    (folder for folder in [Path(__file__).with_name("personas")] if folder.is_dir()),
    Path(__file__).parents[1] / "personas",
)
"""The folder of the demo characters' files."""
