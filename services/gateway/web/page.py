"""The page: files of a folder, each with an etag, read once."""

import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.web.conditions import is_known

FOLDER = Path(__file__).parents[1] / "page"

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_INDEX = "index.html"

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    etag: str


class Page:
    """What is served to browsers beside the API."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        }

    def routes(self) -> Iterator[tuple[str, Handler]]:
        """Yield the path of each file, and what answers with it; the index is at the root as well."""
        for name, file in self._files.items():
            yield f"/{name}", _answering(file)
            if name == _INDEX:
                yield "/", _answering(file)


def _answering(file: _File) -> Handler:
    async def answer(request: Request) -> Response:
        # Asked for again each time, and sent only when it is another one: the page is never older than the gateway.
        headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
        if is_known(request, file.etag):
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.media_type)

    return answer


def _read(path: Path) -> _File:
    content = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(content, kind, f'"{hashlib.sha256(content).hexdigest()[:16]}"')
