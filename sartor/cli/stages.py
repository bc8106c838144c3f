"""What a long verb does now, with its seconds, while a person looks on."""

from __future__ import annotations

import time

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from .console import ERR


class Stages:
    """What is done now, with its seconds, on stderr while a person looks on."""

    def __init__(self) -> None:
        self.done: list[tuple[str, float]] = []
        self.now, self.since = "", time.monotonic()
        self.below: RenderableType = Text("")

    def __call__(self, stage: str) -> None:
        if self.now and not self._same(stage):
            self.done.append((self.now, time.monotonic() - self.since))
            self.since = time.monotonic()
        self.now = stage

    def _same(self, stage: str) -> bool:
        """Steps of one stage share what is before the colon: they are one line."""
        return ":" in stage and stage.split(":")[:1] == self.now.split(":")[:1]

    def __rich__(self) -> RenderableType:
        lines = [Text(f"{s:7.1f} s  {what.split(':')[0]}", style="dim") for what, s in self.done]
        lines.append(Text(f"{time.monotonic() - self.since:7.1f} s  {self.now}"))
        return Group(*lines, self.below)


def live(stages: Stages) -> Live:
    """The stages on stderr; nothing where no person looks."""
    return Live(stages, console=ERR, transient=True, refresh_per_second=8, auto_refresh=ERR.is_terminal)
