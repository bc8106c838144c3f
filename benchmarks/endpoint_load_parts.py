"""What a server under load counts itself, and what it takes of the machine (endpoint_load.py)."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path


def rss_bytes(pid: int | None) -> float:
    """Of a process; 0 where it is not ours."""
    if pid is None:
        return 0.0
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def process(pid: int) -> dict[str, float]:
    """Memory, open files and threads of a process."""
    place = Path(f"/proc/{pid}")
    files, threads = (len(list((place / what).iterdir())) for what in ("fd", "task"))
    return {"rss_bytes": rss_bytes(pid), "files": files, "threads": threads}


def cpu_s(pid: int | None) -> float:
    """Processor seconds that a process has taken; 0 where it is not ours."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Counted:
    """By the server's own /metrics, and its processor seconds."""

    tokens: float
    chip_s: float
    decodes: float
    cpu_s: float

    def since(self, before: Counted, seconds: float) -> dict[str, float | None]:
        """Tokens a second of each clock, and in a decode pass."""
        tokens, passes = self.tokens - before.tokens, self.decodes - before.decodes
        cpu, chip = self.cpu_s - before.cpu_s, self.chip_s - before.chip_s
        return {
            "tokens_per_s": tokens / seconds, "tokens_per_cpu_s": tokens / cpu if cpu else None,
            "tokens_per_chip_s": tokens / chip if chip else None, "batch": tokens / passes if passes else None,
        }  # fmt: skip


def counted(url: str, pid: int | None) -> Counted:
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        lines = answer.read().decode().splitlines()

    def total(name: str) -> float:
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + "{"))

    passes = total("sartor:batch_size_count")
    return Counted(total("vllm:generation_tokens_total"), total("sartor:chip_seconds_total"), passes, cpu_s(pid))
