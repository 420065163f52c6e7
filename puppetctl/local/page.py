"""Where the page of a suite is: at its gateway, which serves it beside REST; and how it is opened signed in."""

import secrets
import webbrowser
from collections.abc import Mapping
from html import escape
from pathlib import Path

from puppetctl.clients import proof_in
from puppetctl.datadir import running_addresses
from puppetctl.suite import GATEWAY, SuiteError, location_setting
from puppetctl.terminal.display import open_console
from services.runtime import private
from services.runtime.rpc.credentials import Credential

_SIGNED_IN_SECONDS = 12 * 3600


def page_address(data_dir: Path, environment: Mapping[str, str]) -> str | None:
    """Return the page's URL: at the gateway of the environment, else of the suite that runs; None without one."""
    address = environment.get(location_setting(GATEWAY)) or running_addresses(data_dir).get(GATEWAY)
    return f"http://{address}/" if address else None


def sign_in_link(url: str, credential: Credential) -> str:
    """Return what opens a page signed in, once and within ten minutes.

    The session is in the fragment, which browsers send to no server: it stands in no log.
    """
    return f"{url}#link={credential.session(GATEWAY, _SIGNED_IN_SECONDS, secrets.token_hex(8))}"


def open_page(data_dir: Path, environment: Mapping[str, str], *, opens: bool) -> int:
    """Open the page signed in, in the browser of this machine, or print what does. Raises SuiteError without one."""
    url = page_address(data_dir, environment)
    if url is None:
        what = "has no gateway" if running_addresses(data_dir) else "does not run"
        raise SuiteError(
            f"the suite of {data_dir} {what}: start it with `puppetctl up`, or say where its gateway is with "
            f"{location_setting(GATEWAY)}=host:port"
        )
    credential = proof_in(environment, data_dir).credential
    link = url if credential is None else sign_in_link(url, credential)
    if opens and webbrowser.open(_leading_to(link, data_dir).as_uri()):
        open_console().print(url, markup=False, soft_wrap=True)
        return 0
    open_console().print(link, markup=False, soft_wrap=True)
    if opens:
        open_console(to_errors=True).print("no browser was found here: open the address in one", style="yellow")
    return 0


def _leading_to(link: str, data_dir: Path) -> Path:
    """Return a file for its owner's eyes that leads to a link: other users read the arguments of a browser."""
    path = (data_dir / "run" / "page.html").resolve()
    private.make_folder(path.parent)
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={escape(link)}">\n'
    private.write_draft(path, page.encode()).replace(path)
    return path
