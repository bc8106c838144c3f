"""The text that is scored: its first tokens in one window; for calibration its last ones, which must be others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BrokenFile, InputError
from ..tables import data_text
from .model import Model

TEXTS = ("en", "ko")  # that come with the package: sartor/data/text, sources.toml
TOKENS, CALIBRATION = 1024, 2048


def read(text: str | Path | None) -> tuple[str, str]:
    """Name and content of the text that a user names: one of TEXTS, or a file; without, the English one."""
    name = str(text or TEXTS[0])
    if name in TEXTS:
        return f"{name}.txt", data_text(f"text/{name}.txt")
    try:
        return Path(name).name, Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BrokenFile(f"{name}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"--text {name}: {error.strerror} (a file, or one of {', '.join(TEXTS)})") from None


def windows(words: Any, named: tuple[str, str], tokens: int, calibrated: bool) -> np.ndarray:
    """Token numbers [windows, tokens]: the scored window first; those of calibration, if asked for, from the end of the
    text. `named`: name and content of the text."""
    ids = words.encode(named[1])
    more = -(-CALIBRATION // tokens) if calibrated else 0
    need = tokens * (1 + more)
    if len(ids) < need:
        why = f"{tokens} are scored" + (f" and {tokens * more} others calibrate" if more else "")
        raise InputError(f"{named[0]}: {len(ids)} tokens, but {why} (a longer text, or fewer --tokens)")
    first, rest = ids[:tokens], ids[len(ids) - tokens * more :]
    return np.array([first, *(rest[i : i + tokens] for i in range(0, len(rest), tokens))] if more else [first])


def fits(model: Model, tokens: int) -> None:
    """Raises InputError where the window is longer than the model's context."""
    if not 2 <= tokens <= model.context:
        raise InputError(f"--tokens {tokens}: {model.name} scores 2 to {model.context} tokens in one window")
