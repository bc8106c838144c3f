"""A live server's traffic, written down as its counters grow."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import SartorError
from .lines import Lines
from .scrape import Counters, counters, scrape

Say = Callable[[str], None]


@dataclass
class Watched:
    """What was seen: lines written, requests in them, and times at which the server did not answer."""

    intervals: int = 0
    requests: float = 0.0
    failures: int = 0


class Watcher:
    """Looks at `url` and appends what came since to `out`, a line each time: killed at any moment, it leaves whole
    lines. A server that does not answer is asked again; what it counted meanwhile comes with the next line."""

    def __init__(self, url: str, out: Path, model: str | None = None) -> None:
        self._url, self._model = url, model
        self._before: Counters = counters(scrape(url), url, model)  # a wrong address is said before anything is written
        self._at = time.time()
        self._lines, self.seen = Lines(out, "--out"), Watched()

    def look(self) -> None:
        """Once."""
        try:
            now = counters(scrape(self._url), self._url, self._model)
        except SartorError:
            self.seen.failures += 1
            return
        at, new = time.time(), now.since(self._before)
        self._lines.append(json.dumps(new.line(at, at - self._at)).encode() + b"\n")
        self._lines.sync()
        self._before, self._at = now, at
        self.seen.intervals += 1
        self.seen.requests += new.requests

    def close(self) -> None:
        self._lines.close()


def watch(url: str, out: Path, every_s: float, seconds: float | None, model: str | None, say: Say) -> Watched:
    """Until `seconds` have passed, or Ctrl-C: what came last is still written."""
    watcher = Watcher(url, out, model)
    until = float("inf") if seconds is None else time.monotonic() + seconds
    try:
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(every_s, left))
            watcher.look()
            say(f"{watcher.seen.requests:,.0f} requests in {watcher.seen.intervals:,} looks")
    except KeyboardInterrupt:
        watcher.look()
    finally:
        watcher.close()
    return watcher.seen
