"""The page of a suite: its gateway serves it, to whoever comes by a link that a credential has signed."""

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


def sign_in_link(address: str, credential: Credential) -> str:
    """Return what opens the page at this `host:port` signed in, once and within ten minutes.

    The session is in the fragment, which browsers keep to themselves: it stands in no log.
    """
    return f"http://{address}/#link={credential.session(GATEWAY, _SIGNED_IN_SECONDS, secrets.token_hex(8))}"


def open_page(data_dir: Path, environment: Mapping[str, str], *, opens: bool) -> int:
    """Print a link to the page, and open it in the browser of this machine. Raises SuiteError where there is none."""
    running = running_addresses(data_dir)
    address = environment.get(location_setting(GATEWAY)) or running.get(GATEWAY)
    if not address:
        what = "has no gateway" if running else "does not run"
        raise SuiteError(
            f"the suite of {data_dir} {what}: start it with `puppetctl up`, or say where its gateway is with "
            f"{location_setting(GATEWAY)}=host:port"
        )
    credential = proof_in(environment, data_dir).credential
    if credential is None:
        raise SuiteError("a link is signed by a credential: say where yours is with PUPPET_CTL_CREDENTIAL")
    url = sign_in_link(address, credential)
    open_console().print(url, markup=False, soft_wrap=True)
    if opens and not webbrowser.open(_leading_to(url, data_dir).as_uri()):
        open_console(to_errors=True).print("no browser was found here: open the address in one", style="yellow")
    return 0


def _leading_to(link: str, data_dir: Path) -> Path:
    """Return a file for its owner's eyes that leads to a link: other users read the arguments of a browser."""
    path = (data_dir / "run" / "page.html").resolve()
    private.make_folder(path.parent)
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={escape(link)}">\n'
    private.write_draft(path, page.encode()).replace(path)
    return path
