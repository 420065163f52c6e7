"""A small program in place of a real one: healthy at once, or as its environment says."""

import http.server
import os
import signal
import sys
import time
import urllib.request


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(b'{"status": "ok"}' if self.path == "/_sandbox/health" else b"no JSON")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _answer(self, body: bytes) -> None:
        self.send_response(404 if self.path == "/missing" else 200)
        self.end_headers()
        self.wfile.write(body)


def _ask(port: str) -> None:
    """Say at the end whether somebody else is still there."""
    time.sleep(0.3)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_sandbox/health") as answer:
        print(f"it answered {answer.status}", flush=True)  # noqa: T201
    sys.exit()


def main() -> None:
    """Serve on the port in `STANDIN_PORT` until a signal ends it."""
    match os.environ.get("STANDIN_MANNER"):
        case "dies":
            sys.exit("no ink in the inkwell")
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case str(asks) if asks.startswith("asks "):
            signal.signal(signal.SIGTERM, lambda *_: _ask(asks.removeprefix("asks ")))
    http.server.HTTPServer(("127.0.0.1", int(os.environ["STANDIN_PORT"])), _Handler).serve_forever()


if __name__ == "__main__":
    main()
