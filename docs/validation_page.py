"""What docs/validation.md shows: the first of its commands, run on the file above it."""

from __future__ import annotations

import contextlib
import re
import tempfile
from pathlib import Path

from typer.testing import CliRunner

from sartor.cli import app

PAGE = Path(__file__).with_name("validation.md")
FILE = re.compile(r"^```csv (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """The files that the page shows, by name."""
    return dict(FILE.findall(PAGE.read_text(encoding="utf-8")))


def commands() -> list[str]:
    """Its commands, in order."""
    return [line for body in COMMANDS.findall(PAGE.read_text(encoding="utf-8")) for line in body.splitlines()]


def output() -> list[str]:
    """What the first command prints, as a block."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, text in files().items():
            Path(name).write_text(text, encoding="utf-8")
        done = CliRunner().invoke(app, commands()[0].split()[1:], catch_exceptions=False, env={"COLUMNS": "80"})
    return ["```text", *(line.rstrip() for line in done.stdout.rstrip().splitlines()), "```"]
