"""Programs made of the stand-in."""

import os

from puppetctl.suite import Program, free_ports


def standin(name: str, manner: str = "") -> Program:
    """Return a program on a free port that behaves in this manner."""
    port = free_ports()["agents"]
    environment = {**os.environ, "STANDIN_PORT": str(port), "STANDIN_MANNER": manner}
    return Program(name, "tests.integration.puppetctl.standin", port, environment, "/_sandbox/health")
