"""Whether llama.cpp finds the harm of a format that we find, and what is left between the two: docs/quality.md.

    python benchmarks/llama_kl.py [--formats NAME,NAME] [--layers N] [--windows N] [--tokens N] [--json]

SmolLM2-135M-Instruct, turned, both programs from the same GGUF files; of each format the KL to its own reference in
either program, and how far apart the means are, with the standard error of their difference position by position:

    weights      alone: the file has the rounded weights in binary32, so that llama.cpp rounds nothing else
    both         the file has the format: llama.cpp rounds what it multiplies to Q8_0 (K types: Q8_K), and so do we
    itself       llama.cpp beside llama.cpp: cache in binary32 as above, and its default (binary16, flash attention)

`--layers` cuts the model behind its first layers. A window of 1,024 tokens takes two CPU minutes a format with all 30.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from llama_kl_parts import kl, logits, of_type, our_logits, written

from sartor.compiler.tokenizer import tokenizer
from sartor.quality import gguf_reader, text
from sartor.quality.model import Model
from sartor.workload import fetch

FORMATS = "q8_0,q6_k"


class Files:
    """The model in formats, written when asked for, and both programs' references of each window."""

    def __init__(self, source: Path, model: Model, tokens: np.ndarray, folder: Path) -> None:
        self.source, self.model, self.tokens, self.folder = source, model, tokens, folder
        path = self.file("f32")
        self.theirs = [logits(path, window, model.vocabulary) for window in tokens]
        self.ours = [our_logits(path, window) for window in tokens]
        path.unlink()

    def file(self, form: str, exact: bool = False) -> Path:
        return written(self.source, self.folder / f"{form}.gguf", self.model, of_type(form, exact))

    def found(self, form: str, itself: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """KL [positions] of both sides of each comparison."""
        path = self.file(form, exact=True)
        kept = {"weights": self._both(path)}
        path = self.file(form)
        kept["both"] = self._both(path, form)
        if itself:
            kept["itself"] = kept["both"][0], self._their(path, cache="f16", flash=True)
        path.unlink()
        return kept

    def _both(self, path: Path, form: str = "none") -> tuple[np.ndarray, np.ndarray]:
        pairs = zip(self.ours, self.tokens, strict=True)
        return self._their(path), np.concatenate(
            [kl(p, our_logits(path, window, form)) for p, window in pairs]
        )

    def _their(self, path: Path, **setting: object) -> np.ndarray:
        pairs = zip(self.theirs, self.tokens, strict=True)
        found = [kl(p, logits(path, window, self.model.vocabulary, **setting)) for p, window in pairs]  # type: ignore[arg-type]
        return np.concatenate(found)


def apart(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Of KL [positions] by two programs: means in nats; the second's less than the first, as a share of it, with the
    standard error; how they go together."""
    less, root = second - first, len(first) ** 0.5
    return {"first": first.mean(), "second": second.mean(), "apart": less.mean() / first.mean(),
            "error": less.std() / root / first.mean(), "correlation": np.corrcoef(first, second)[0, 1]}  # fmt: skip


def files(tokens: int, windows: int, layers: int | None, folder: Path) -> Files:
    source = fetch.smollm2()
    model = gguf_reader.model(source, "smollm2", "smollm2")
    first = text.windows(tokenizer(source), text.read("en"), tokens * windows, False)
    return Files(
        source, replace(model, layers=layers or model.layers), first.reshape(windows, tokens), folder
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--formats", default=FORMATS, help="types of ggml, with commas between")
    parser.add_argument("--layers", type=int, help="the first ones alone")
    parser.add_argument("--windows", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=text.TOKENS, help="of a window")
    parser.add_argument("--no-itself", action="store_true", help="leave out llama.cpp beside itself")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        both = files(options.tokens, options.windows, options.layers, Path(folder))
        for form in options.formats.split(","):
            for name, pair in both.found(form, not options.no_itself).items():
                found = {key: float(value) for key, value in apart(*pair).items()}
                rows.append({"format": form, "layers": both.model.layers, "what": name, **found})
                say = f"{form:>6} {name:>8} {found['first']:.5f} {found['second']:.5f} {found['apart']:+.1%} +- "
                print(
                    f"{say}{found['error']:.1%} correlation {found['correlation']:.3f}",
                    file=sys.stderr,
                    flush=True,
                )
    if options.json:
        print(json.dumps({"positions": int(both.tokens.size), "rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
