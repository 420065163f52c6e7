"""Where the gateway listens."""

import socket
from pathlib import Path
from typing import Any

import pytest

from services.gateway.bootstrap import listen
from services.gateway.settings import GatewaySettings
from services.runtime.settings import SettingsError


def settings(**given: Any) -> GatewaySettings:
    made: dict[str, Any] = {"port": 0, "data_dir": Path("nowhere"), "allow_plaintext": True, **given}
    return GatewaySettings(**made)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::", "localhost"])
def test_answers_are_sent_at_once(host: str) -> None:
    with listen(settings(host=host)) as listening:
        # What asyncio goes by when it sets TCP_NODELAY.
        assert listening.proto == socket.IPPROTO_TCP


def test_who_calls_before_the_server_has_begun_waits() -> None:
    with listen(settings()) as listening, socket.create_connection(listening.getsockname()):
        pass


def test_a_port_that_is_in_use_is_told_by_its_setting() -> None:
    with listen(settings()) as first:
        port = first.getsockname()[1]
        with pytest.raises(SettingsError, match="PUPPET_GATEWAY_PORT"):
            listen(settings(port=port))
