"""What the machine lacks is one line too: space, memory, letters."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

from sartor.cli import main


@pytest.mark.parametrize(("error", "said"), [
    (OSError(errno.ENOSPC, "No space left on device", "/out/report.html"),
     "sartor: /out/report.html: No space left on device (free some space, "),
    (OSError(errno.EFBIG, "File too large"), "sartor: File too large (free some space, "),
    (MemoryError(), "sartor: out of memory (try fewer --points"),
])  # fmt: skip
def test_what_the_machine_lacks_is_said_in_a_line(monkeypatch, capsys, error: Exception, said: str) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setattr(main_module(), "app", broken)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(said)


def main_module():
    return sys.modules[main.__module__]


@pytest.mark.parametrize("args", [["list", "formats"], ["list", "formats", "--json"], ["list", "studies", "--json"]])
def test_a_terminal_without_our_letters_is_written_to_all_the_same(args) -> None:
    plain = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    code = "from sartor.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, env=plain)
    assert done.returncode == 0 and not done.stderr
    assert done.stdout.isascii() and (args[-1] != "--json" or json.loads(done.stdout)["rows"])
