"""Where answers and complaints go."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..report.data import plain

OUT, ERR = Console(), Console(stderr=True)


def as_json(value: Any) -> None:
    """One JSON object on stdout."""
    print(json.dumps(plain(value), ensure_ascii=False, indent=1))


def bar() -> Progress:
    """Progress on stderr, where people see it and pipes do not."""
    return Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"),
                    TimeRemainingColumn(), console=ERR, transient=True, disable=not ERR.is_terminal)  # fmt: skip
