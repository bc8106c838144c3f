"""What a simulation begins with: the image of its memory, and the waits that verification adds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BrokenFile, InputError

_PROBABILITY = 65536  # the harness's unit


@dataclass(frozen=True)
class Stalls:
    """Random waits, for verification: chances in each cycle that the memory takes no request, that it holds
    back a response. The same seed gives the same waits."""

    request: float = 0.0
    response: float = 0.0
    seed: int = 0

    def config(self) -> dict[str, int]:
        for name in ("request", "response"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"stalls: {name} = {getattr(self, name)} is outside 0 to below 1")
        return {
            "stall_request": round(self.request * _PROBABILITY),
            "stall_response": round(self.response * _PROBABILITY),
            "seed": self.seed,
        }


NO_STALLS = Stalls()


def image_of(image: Any) -> tuple[Path | None, np.ndarray]:
    """A file to map, or bytes to copy."""
    if isinstance(image, str | Path):
        path = Path(image)
        if not path.is_file():
            raise BrokenFile(f"{path}: there is no such memory image (compile the program first)")
        return path, np.empty(0, np.uint8)
    if image is None:
        return None, np.empty(0, np.uint8)
    array = image if isinstance(image, np.ndarray) else np.frombuffer(image, np.uint8)
    return None, np.ascontiguousarray(array).view(np.uint8).ravel()
