"""Messages by HTTP, signed as Standard Webhooks has it (https://www.standardwebhooks.com, 1.0.0)."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

import httpx2
from typing_extensions import override

from services.agents.ports.webhooks import WebhookError, WebhookPort
from services.runtime.http_failures import why

_SECONDS = 10.0
_GONE = 410
_OK = range(200, 300)
_MAX_RETRY_AFTER = 86_400.0


class HttpWebhook(WebhookPort):
    """Posts messages to an address, which an operator has set: it may be one of its own network."""

    def __init__(self, url: str, keys: Sequence[bytes], timeout_seconds: float = _SECONDS) -> None:
        """Take the keys to sign with: several while receivers change from one to another."""
        self._timeout = timeout_seconds
        self._url = url
        self._keys = keys

    @override
    async def send(self, message_id: str, body: str, now: datetime) -> None:
        content, timestamp = body.encode(), str(int(now.timestamp()))
        headers = {
            "content-type": "application/json",
            "user-agent": "puppet-engine",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._keys, message_id, timestamp, content),
        }
        try:
            async with (
                asyncio.timeout(self._timeout),
                # Nothing that the environment says, and nowhere else than where the operator said.
                httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=self._timeout) as client,
                # What it says besides is of no interest, and may be without end.
                client.stream("POST", self._url, content=content, headers=headers) as response,
            ):
                status, told = response.status_code, response.headers.get("retry-after", "")
        except TimeoutError:
            raise WebhookError(f"it took longer than {self._timeout:g} seconds") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            # Its words may hold the address, which may be a secret.
            raise WebhookError(f"could not be reached: {why(error)}") from None
        if status not in _OK:
            retry_after = min(float(told), _MAX_RETRY_AFTER) if told.isascii() and told.isdecimal() else 0.0
            raise WebhookError(f"was answered with status {status}", retry_after, is_gone=status == _GONE)


def signature(keys: Sequence[bytes], message_id: str, timestamp: str, content: bytes) -> str:
    """Return the header with which a message is signed: one signature for each key."""
    signed = f"{message_id}.{timestamp}.".encode() + content
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
