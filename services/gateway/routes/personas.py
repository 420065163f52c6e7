"""What a persona file is made of."""

import hashlib
import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.backend import Backend
from services.gateway.web.conditions import is_known
from services.gateway.web.envelope import success
from services.runtime.settings import SettingsError

_NAME = "persona.schema.json"
_ROOT = Path(__file__).parents[3]
_PLACES = (Path(__file__).parents[1] / _NAME, _ROOT / "docs" / _NAME, _ROOT / "puppetctl" / "docs" / _NAME)
"""In an image, in the sources, and in the wheel."""


class Personas:
    """`GET /personas/schema`."""

    def __init__(self, backend: Backend) -> None:
        self._sessions = backend.sessions
        path = next((path for path in _PLACES if path.exists()), None)
        if path is None:
            raise SettingsError(f"{_NAME} is missing from this installation")
        content = path.read_bytes()
        self._schema: dict[str, Any] = json.loads(content)
        self._etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'

    async def schema(self, request: Request) -> Response:
        """Return the JSON Schema of persona files."""
        self._sessions.of(request)
        if is_known(request, self._etag):
            return Response(status_code=304, headers={"ETag": self._etag})
        return success(self._schema, headers={"ETag": self._etag})
