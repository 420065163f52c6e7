"""`make newcomer`: times the way of somebody new: clone, run, the first post, a character of one's own that posts.

Works on a clone of what is committed here, in a folder of its own that is gone afterwards; nothing but the caches of
packages is shared with this checkout. Needs nothing but the standard library. The exit code is 1 when the way took
longer than `--within` seconds, or didn't come to its end.
"""

import argparse
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

# A post has a name alone in its first line, of up to three words; whatever else is told says there what was done.
_HEAD = re.compile(r"^\d\d:\d\d:\d\d  (↳ .+ to .+|[A-Z0-9]\w*( [A-Z0-9]\w*){0,2})$")
_HEALTHY = re.compile(r"^\s*process +port")
_LIFE = re.compile(r"^\s*character +account")
_WORDS = re.compile(r"^ {10,}\S")
_LINE_SECONDS = 600.0
_MINE = ("new", "Mara", "--who", "A night nurse who grows tomatoes on the roof.", "--voice", "Dry and short.")
_POSTS = (
    "three tomatoes turned red while nobody died. a good night.",
    "the vending machine gave two teas for one coin. i told it to keep quiet.",
    "rain on the roof all night. the beds were dry and the tomatoes were not.",
)


class Way:
    """The times at which somebody who is new has come somewhere, in seconds from the beginning."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._last = 0.0

    def reached(self, where: str) -> float:
        """Tell how long it took from the beginning, and from the place before."""
        now = time.monotonic() - self._begun
        print(f"{now:7.1f} s  (+{now - self._last:5.1f})  {where}", flush=True)
        self._last = now
        return now


class Suite:
    """`make run` in a folder, and the lines that it says."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            ["make", "run", "ARGS=--ports auto --plain"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def lines(self) -> Iterator[str]:
        """Yield what it says from now on. Raises RuntimeError when it ends, or says nothing for long."""
        while True:
            try:
                line = self._lines.get(timeout=_LINE_SECONDS)
            except queue.Empty:
                raise RuntimeError("it says nothing any more:\n" + "\n".join(self.said[-20:])) from None
            if line is None:
                raise RuntimeError("it has ended:\n" + "\n".join(self.said[-20:]))
            yield line

    def until(self, pattern: re.Pattern[str]) -> None:
        """Wait for a line of this kind."""
        next(line for line in self.lines() if pattern.search(line))

    def until_words(self) -> None:
        """Wait until somebody's words were shown."""
        above = ""
        for line in self.lines():
            if _HEAD.match(above) and _WORDS.match(line):
                return
            above = line

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.rstrip())
            self._lines.put(line.rstrip())
        self._lines.put(None)


def walk(source: Path, folder: Path, python: str) -> float:
    """Go the whole way in a folder, tell of its places, and return the seconds. Raises RuntimeError."""
    way, clone = Way(), folder / "puppet-engine"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PUPPET_")}
    environment |= {"PYTHON": python, "XDG_CONFIG_HOME": str(folder / "config")}
    subprocess.run(["git", "clone", "--quiet", str(source), str(clone)], check=True)
    way.reached("cloned")
    suite = Suite(clone, environment)
    try:
        suite.until(_HEALTHY)
        healthy = way.reached("set up, and every process is healthy")
        suite.until(_LIFE)
        way.reached("the characters are there")
        suite.until_words()
        words = way.reached("the first words of a character")
        print(f"           first words {words - healthy:.1f} s after all were healthy")
        posts = [part for post in _POSTS for part in ("--post", post)]
        command = [str(clone / ".venv/bin/puppetctl"), *_MINE, *posts, "--start"]
        subprocess.run(command, cwd=clone, env=environment, check=True)
        way.reached("a character of one's own lives")
        shown, asked = _posted(clone, environment)
        seconds = way.reached("it has posted" if asked == 1 else f"it has posted, asked {asked} times")
        print(f"           {shown}")
    finally:
        suite.stop()
    way.reached("stopped")
    return seconds


def _posted(clone: Path, environment: dict[str, str]) -> tuple[str, int]:
    """Let the new character post, until what a small model writes is good enough; what it said, and how often asked."""
    command = [str(clone / ".venv/bin/puppetctl"), "post", "mara"]
    for asked in range(1, 6):
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.splitlines()[1].strip(), asked
    raise RuntimeError(f"it never posted:\n{done.stdout}{done.stderr}")


def main() -> None:
    """Time the way, and exit with 1 when it was too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--within", type=float, default=300.0, help="the most seconds that it may take")
    parser.add_argument("--source", type=Path, default=Path(__file__).parents[1], help="what is cloned")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            seconds = walk(options.source.resolve(), Path(folder), sys.executable)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            sys.exit(str(error))
    verdict = "within" if seconds <= options.within else "longer than"
    print(f"{seconds:.0f} s from the clone to a post of one's own: {verdict} {options.within:.0f} s")
    sys.exit(seconds > options.within)


if __name__ == "__main__":
    main()
