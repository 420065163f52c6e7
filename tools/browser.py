"""Where a browser of the Chromium family is on this machine, and how it is started without a window."""

import os
import shutil

ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
INSTALL = "the page is tried in Chromium, and there is none here: `apt-get install chromium`, then again"

SIZES = {"desk": (1440, 900), "tablet": (820, 1180), "phone": (360, 780)}
"""Width and height in CSS pixels."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Return where the browser is, first by the variable PUPPET_TEST_CHROMIUM; None when there is none."""
    named = os.environ.get("PUPPET_TEST_CHROMIUM")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), None)
