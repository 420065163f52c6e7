"""Which version of the suite is installed."""

import functools
from importlib.metadata import PackageNotFoundError, version

UNKNOWN = "unknown"


@functools.cache
def suite_version() -> str:
    """Return the version of the suite that this process runs."""
    try:
        return version("puppet-engine")
    except PackageNotFoundError:
        return UNKNOWN
