"""Why a call over HTTP failed, in words."""

import httpx2
import pytest

from services.runtime.http_failures import why

ADDRESS = "https://hooks.example/T0K3N"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ReadTimeout(ADDRESS), "it took too long"),
        (TimeoutError(ADDRESS), "it took too long"),
        (httpx2.ConnectTimeout(ADDRESS), "it took too long"),
        (httpx2.UnsupportedProtocol(ADDRESS), "its address is none of HTTP"),
        (httpx2.ConnectError(ADDRESS), "no connection could be made"),
        (httpx2.RemoteProtocolError(ADDRESS), "the connection broke off"),
        (httpx2.ReadError(ADDRESS), "the connection broke off"),
        (ConnectionResetError(ADDRESS), "the connection broke off"),
        (httpx2.DecodingError(ADDRESS), "the answer is none that can be used"),
        (ValueError(ADDRESS), "the answer is none that can be used"),
    ],
)
def test_a_failed_call_is_told_without_names_of_a_library_or_an_address(error: Exception, words: str) -> None:
    assert why(error) == words
