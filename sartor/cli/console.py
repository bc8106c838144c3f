"""Where answers and complaints go."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..report.data import plain

OUT, ERR = Console(), Console(stderr=True)


def as_json(value: Any) -> None:
    """One JSON object on stdout, in letters that it has."""
    plain_letters = not (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(plain(value), ensure_ascii=plain_letters, indent=1))


def bar() -> Progress:
    """Progress on stderr, where people see it and pipes do not."""
    return Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"),
                    TimeRemainingColumn(), console=ERR, transient=True, disable=not ERR.is_terminal)  # fmt: skip
