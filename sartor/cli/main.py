"""The console script. `--json` prints one JSON object on stdout and nothing else; errors go to stderr."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from ..errors import SartorError
from ..version import VERSION
from ..workload.cache import sweep

# In the order of the help: importing a verb puts it into the program.
from . import verbs_design, verbs_hardware, verbs_serving, verbs_truth  # noqa: F401
from .options import app


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(VERSION)
        raise typer.Exit


def main() -> None:
    """The console script: errors of ours, and of the machine, become one line on stderr and an exit code; what the
    cache has not been asked for in a month goes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # letters that this terminal does not have
    try:
        app()
    except SartorError as error:
        typer.echo(f"sartor: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("sartor: stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nobody is left to tell
        sys.exit(0)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"sartor: {where}{error.strerror or error} (free some space, or try another --out or SARTOR_CACHE)",
                   err=True)  # fmt: skip
        sys.exit(1)
    except MemoryError:
        typer.echo("sartor: out of memory (try fewer --points, a smaller batch or a smaller model)", err=True)
        sys.exit(1)
    finally:
        sweep()
