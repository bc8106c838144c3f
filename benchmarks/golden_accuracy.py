"""What the chip's arithmetic costs on real weights: the golden model beside the network in binary32.

    python benchmarks/golden_accuracy.py [--texts N] [--json]

Each text runs token by token through both, every position with the same tokens before it. Exit code 1: less than
95 % of the greedy tokens agree, or the mean KL divergence is above 0.015 nats.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sartor.compiler.accuracy import Accuracy, measure, together
from sartor.compiler.binary import compile_network
from sartor.compiler.gguf import network
from sartor.compiler.reference import Reference
from sartor.compiler.tokenizer import tokenizer
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden import Golden
from sartor.workload.fetch import smollm2

LEAST_AGREEMENT, MOST_KL_NATS = 0.95, 0.015
SKIP = 3  # the first tokens of a text say little
# Prompts with what the model itself says next, so that most positions are those of generation.
TEXTS = {
    "fact": "The capital of South Korea is Seoul.\n\nThe United States has a population of approximately 311 million "
    "people.\n",
    "story": "Once upon a time, in a small village by the sea, there lived a wise and kind woman named Elara. She was "
    "a skilled healer and had many friends, including a young and",
    "question": "Q: Why is the sky blue?\nA: The answer is: The sky is blue because of a process called Rayleigh "
    "Scattering.\nB: The answer is",
    "science": "Photosynthesis is the process by which plants convert sunlight into energy. This process is essential "
    "for life on Earth, as it provides the energy needed to sustain life",
    "list": "My shopping list:\n1. Milk\n2. Bread\n3. Cheese\n4. Wine\n5. Coffee\n\nThe customer wants to know which "
    "product is the most expensive.\n",
    "python": 'def fibonacci(n):\n    """Return the n-th Fibonacci number."""\n```\n\nThis implementation uses a '
    "recursive approach to calculate the Fibonacci sequence. The outer function `fibonacci(n",
    "sql": "SELECT name, age FROM users WHERE id = 1000;\n\n# Output:\n# \n# \n# \n#",
    "history": "In 1969, Neil Armstrong became the first person to walk on the moon.\n\nThe Apollo 11 mission was a "
    "historic feat that paved the way for future space",
    "recipe": "To make a cup of tea, first, you need to prepare a pot of tea.\n\nThe first step is to prepare a pot of "
    "tea. This",
    "letter": "Dear Sir or Madam,\n\nI am writing to you today,\n\nI am writing to you today,\n\nI am writing to you "
    "today,\n\nI",
}


def accuracies(texts: int = len(TEXTS)) -> dict[str, Accuracy]:
    """Of the first `texts`."""
    path, core = smollm2(), Core(columns=4)
    net, words = network(path), tokenizer(path)
    binary, reference = compile_network(core, net, 128), Reference(net)
    golden = Golden(core, binary.image, binary.program.instructions, binary.program.constants)
    chosen = list(TEXTS.items())[:texts]
    return {name: measure(binary, golden, reference, words.encode(text), SKIP) for name, text in chosen}


def report(texts: int) -> dict[str, Any]:
    """Every figure that is printed."""
    cpu = time.process_time()
    found = accuracies(texts)
    whole = together(list(found.values()))
    return {
        "texts": {name: {**asdict(a), "agreement": a.agreement} for name, a in found.items()},
        **asdict(whole), "agreement": whole.agreement,
        "target_agreement": LEAST_AGREEMENT, "target_kl_nats": MOST_KL_NATS,
        "met": whole.agreement >= LEAST_AGREEMENT and whole.mean_kl_nats <= MOST_KL_NATS,
        "cpu_s": time.process_time() - cpu,
    }  # fmt: skip


def table(figures: dict[str, Any]) -> str:
    lines = [f"{'text':10} {'positions':>9} {'agreement':>9} {'mean KL':>8} {'worst KL':>8} {'regret':>6}"]
    for name, a in {**figures["texts"], "all": figures}.items():
        lines.append(
            f"{name:10} {a['positions']:9} {a['agreement']:9.1%} {a['mean_kl_nats']:8.4f} "
            f"{a['worst_kl_nats']:8.4f} {a['worst_regret']:6.3f}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=int, default=len(TEXTS), help="how many of the texts")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args()
    figures = report(options.texts)
    print(json.dumps(figures) if options.json else table(figures))
    return 0 if figures["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
