"""Sartor: from a language model and its traffic to the chip tailored to it.

    import sartor
    result = sartor.design("edge-smollm2")      # the whole job
    print(result.report["headline"])

`sartor.api` lists every call; each does what the command of its name does.
"""

from __future__ import annotations

from typing import Any

from .version import VERSION

__version__ = VERSION
__all__ = [
    "build", "compare", "cost", "design", "doctor", "estimate", "explore", "find_chip", "fit", "fleet", "listing",
    "loadgen", "measure", "on_record", "quality_of", "read", "save", "silicon", "simulate", "synth", "validate",
    "verify", "write",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """The calls of `sartor.api`, imported when first used: `import sartor` stays instant."""
    if name in __all__:
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module 'sartor' has no attribute {name!r}")
