"""Where the page of a suite is: at its gateway, which serves it beside REST."""

import webbrowser
from collections.abc import Mapping
from pathlib import Path

from puppetctl.datadir import running_addresses
from puppetctl.suite import SuiteError, location_setting
from puppetctl.terminal.display import open_console

GATEWAY = "gateway"


def page_address(data_dir: Path, environment: Mapping[str, str]) -> str | None:
    """Return the page's URL: at the gateway of the environment, else of the suite that runs; None without one."""
    address = environment.get(location_setting(GATEWAY)) or running_addresses(data_dir).get(GATEWAY)
    return f"http://{address}/" if address else None


def open_page(data_dir: Path, environment: Mapping[str, str], *, opens: bool) -> int:
    """Print where the page is, and open it in the browser of this machine. Raises SuiteError where there is none."""
    url = page_address(data_dir, environment)
    if url is None:
        what = "has no gateway" if running_addresses(data_dir) else "does not run"
        raise SuiteError(
            f"the suite of {data_dir} {what}: start it with `puppetctl up`, or say where its gateway is with "
            f"{location_setting(GATEWAY)}=host:port"
        )
    open_console().print(url, markup=False, soft_wrap=True)
    if opens and not webbrowser.open(url):
        open_console(to_errors=True).print("no browser was found here: open the address in one", style="yellow")
    return 0
