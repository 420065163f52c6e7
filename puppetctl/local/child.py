"""Runs a module as a child of `puppetctl`: `python -m puppetctl.local.child MODULE`, with a pipe as standard input.

The pipe carries nothing. It closes when the parent ends, in whatever way, and then this process ends too: after a
`kill -9` of the parent nothing is left behind that would hold ports and databases.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    # Not politely: the next `up` may already want the data folder, and every service recovers from this.
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the module that is named by the first argument, as `python -m` would."""
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
