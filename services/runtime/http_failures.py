"""Why a call over HTTP failed, in words for people: no names or texts of a library, which may hold an address."""

import httpx2


def why(error: Exception) -> str:
    """Return what went wrong on the way, or with the answer."""
    match error:
        case TimeoutError() | httpx2.TimeoutException():
            return "it took too long"
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return "its address is none of HTTP"
        case httpx2.ConnectError():
            return "no connection could be made"
        case httpx2.NetworkError() | httpx2.RemoteProtocolError() | OSError():
            return "the connection broke off"
        case _:
            return "the answer is none that can be used"
