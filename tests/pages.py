"""The pages of the project, for the tests that read them."""

import re
from importlib import util
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAIRS = [("README.md", "README.ko.md"), ("docs/start.md", "docs/start.ko.md")]
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STUDY, CHIP, TRACE = "toml my-study.toml", "toml my-chip.toml", "csv my-trace.csv"


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def script(name):
    spec = util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(name):
    return [(info, body) for info, body in BLOCK.findall(text(name))]


def prose(name):
    """The page without its code blocks."""
    return BLOCK.sub("", text(name))
