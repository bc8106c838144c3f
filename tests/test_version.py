"""What is kept is named by code and facts: every file that holds either is in the name."""

from pathlib import Path

import pytest

from sartor.api import find
from sartor.compiler import store as images
from sartor.families.tensor import rtl
from sartor.quality import store as quality
from sartor.search import store as prices
from sartor.version import HOUSE, code, sources

NAMES = {
    "prices": (prices.PRICES, prices.NOT_IN_PRICES), "images": (images.PARTS, images.NOT_IN_IMAGE),
    "quality": (quality.CODE, ()), "hardware": (rtl.SOURCES, ()), "chips": (find.CHOOSES, find.CHOOSES_NOT),
}  # fmt: skip
# Lie among the facts, and decide nothing: measurements that gpu.csv is fitted to, errors on record, texts.
NO_FACTS = {"data/measured/h100.jsonl", "data/measured/trust.json", "data/text/en.txt", "data/text/ko.txt"}


@pytest.mark.parametrize("suffix", [".py", ".csv", ".toml"])
def test_what_a_file_says_is_in_the_name(tmp_path: Path, suffix: str) -> None:
    """Its name and its text; one that holds no code and no fact is not."""

    def name() -> str:
        code.cache_clear()
        return code(("part",), house=tmp_path)

    file = tmp_path / f"part/below/file{suffix}"
    file.parent.mkdir(parents=True)
    names = [name()]
    for change in (file.touch, lambda: file.write_text("1"), lambda: file.write_text("2"),
                   lambda: file.rename(file.with_stem("other"))):  # fmt: skip
        change()
        names.append(name())
    assert len(set(names)) == 5
    (tmp_path / "part/notes.md").write_text("1")
    assert name() == names[-1]


@pytest.mark.parametrize("of", NAMES)
def test_no_file_of_a_part_is_left_out(of: str) -> None:
    parts, without = NAMES[of]
    there = (f for part in parts for f in ((HOUSE / part).rglob("*") if (HOUSE / part).is_dir() else [HOUSE / part]))
    files = {f for f in there if f.is_file() and "__pycache__" not in f.parts}
    files -= {f for f in files for folder in without if f.is_relative_to(HOUSE / folder)}
    left_out = {f.relative_to(HOUSE).as_posix() for f in files - set(sources(parts, without))}
    assert len(files) > 30 and left_out <= NO_FACTS
