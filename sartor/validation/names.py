"""Names that files of measurements use, in ours."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import Any

from ..chip import presets
from ..chip.spec import Chip
from ..errors import UnknownName
from ..formats.spec import format_named, formats
from ..tables import data_text
from ..workload import find
from ..workload.find import bundled
from ..workload.model import Model

# Words of a chip's name that its memory, its board, its server or its maker add.
_WORDS = {"nvidia", "corporation", "amd", "intel", "google", "instinct", "geforce", "tesla", "hgx", "oam", "ac",
          "hbm2e", "hbm3", "hbm3e", "nvl72", "blackwell", "server", "edition", "gpu", "tensor", "core",
          "x1"}  # fmt: skip
_SIZE = re.compile(r"\d+gb")
_GAPS = re.compile(r"[\s_/,()\[\]-]+")  # between words of a chip's name
FILES = (".toml", ".json", ".gguf")  # how a name ends that is a file
_UNPACKED = re.compile(r"w[48]a16|awq|gptq")  # formats whose activations have 16 bits
SIZE_ROOM = 0.1  # GB or GiB, with or without what is kept for errors
# How a repository of compressed weights is called behind its model's name: its format, and what else is said of it.
_FORMAT = re.compile(
    r"_(?:quantized\.)?(fp8|nvfp4|mxfp4|fp4|bf16|(?:awq_|gptq_)?int[48]|w4a16|w8a16|w8a8|awq|gptq)"
    r"(?:_dynamic|_block|_kv|_v\d)*$"
)
_TAIL = re.compile(r"_(hf|instruct|thinking|2507|chat|base|it|preview|v0\.\d)$")
_AS_FORMAT = {"fp4": "nvfp4", "w4a16": "int4", "awq": "int4", "gptq": "int4", "awq_int4": "int4", "gptq_int4": "int4",
              "w8a16": "int8", "w8a8": "int8", "gptq_int8": "int8"}  # fmt: skip


@functools.cache
def _known() -> dict[str, dict[str, Any]]:
    return tomllib.loads(data_text("names.toml"))


def columns(own: str) -> list[str]:
    """What other tables of serving points call our column `own`."""
    return list(_known()["columns"].get(own, ()))


def ours(what: str, name: str) -> str:
    """Our name of chip, model or format `name`, however it is spaced and spelled; its own where it is ours already.

    >>> ours("chips", "NVIDIA H100 80GB HBM3"), ours("chips", "h100-sxm"), ours("formats", "FP8")
    ('h100-sxm', 'h100-sxm', 'fp8-e4m3')
    >>> ours("models", "meta-llama/Llama-3.1-8B-Instruct"), ours("models", "Qwen/Qwen3-8B")
    ('llama-3.1-8b', 'qwen3-8b')
    """
    known, plain = _spelled(what), _plain(name)
    if what == "models" and plain not in known:
        plain = _bare_model(plain)
    close = known.get(plain) or (_together(what).get(plain.replace("_", "")) if what == "models" else None)
    return close or (name if what != "models" else plain.replace("_", "-"))


def _bare_model(plain: str) -> str:
    """A repository's name without its owner, its training and its number format, which other columns say."""
    bare = plain.split("/")[-1].removeprefix("meta_").removeprefix("nvidia_")
    while (shorter := _TAIL.sub("", _FORMAT.sub("", bare))) != bare:
        bare = shorter
    return bare


def format_in(model: str) -> str:
    """The number format that a model's name ends in, as a repository of compressed weights is called; "" where none is.

    >>> format_in("nvidia/DeepSeek-R1-NVFP4"), format_in("Qwen3-32B-FP8-dynamic"), format_in("Llama-3.1-8B-Instruct")
    ('nvfp4', 'fp8', '')
    >>> format_in("Qwen2.5-7B-Instruct-GPTQ-Int4"), format_in("Llama-3.3-70B-Instruct-quantized.w8a8")
    ('int4', 'int8')
    """
    found = _FORMAT.search(_plain(model))
    return _AS_FORMAT.get(found[1], found[1]) if found else ""


def _plain(name: str) -> str:
    """In small letters, with one kind of gap."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower()).removeprefix("torch.")


@functools.cache
def _spelled(what: str) -> dict[str, str]:
    """Of every name, theirs and ours."""
    own = {"chips": presets.names, "models": find.names, "formats": lambda: list(formats())}[what]()
    return {_plain(name): name for name in own} | {_plain(name): to for name, to in _known()[what].items()}


@functools.cache
def _together(what: str) -> dict[str, str]:
    """Of every name without its gaps: llama2-70b is llama-2-70b."""
    return {plain.replace("_", ""): to for plain, to in _spelled(what).items()}


def chip(name: str) -> Chip | None:
    """The chip that a file calls `name`, or the one in the file `name`, or None."""
    return _chip_in(name, _changed(name)) if name.endswith(".toml") else _known_chip(name)


def model(name: str) -> Model | None:
    """The model that a file calls `name`, or the one in the file `name`, or None."""
    return _model_in(name, _changed(name)) if name.endswith(FILES) else _known_model(name)


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


@functools.cache
def _chip_in(path: str, changed: int) -> Chip | None:
    return presets.find(path) if changed else None


@functools.cache
def _model_in(path: str, changed: int) -> Model | None:
    return find.find_model(path) if changed else None


@functools.cache
def _known_chip(name: str) -> Chip | None:
    try:
        return presets.preset(ours("chips", name))
    except UnknownName:
        return _sized(name)


def _sized(name: str) -> Chip | None:
    """The chip that a name with more words in it means: its maker, its board, its memory, whose size must fit.

    >>> [found.name if (found := _sized(n)) else None for n in ("NVIDIA H200 141GB HBM3e", "NVIDIA A100-SXM4-48GB")]
    ['h200-sxm', None]
    """
    plain = re.sub(r"(?<=\d) g(i?)b\b", "gb", _GAPS.sub(" ", name.lower()).strip())
    spelled = (re.sub(r"^sxm\d$", "sxm", word.removeprefix("1x")) for word in plain.split())
    words = [word for word in spelled if word and word not in _WORDS]
    sizes = [float(word[:-2]) for word in words if _SIZE.fullmatch(word)]
    try:
        found = presets.preset(ours("chips", "_".join(word for word in words if not _SIZE.fullmatch(word))))
    except UnknownName:
        return None
    fits = all(abs(found.memory.capacity_bytes / 1e9 / size - 1) < SIZE_ROOM for size in sizes)
    return found if fits else None


@functools.cache
def _known_model(name: str) -> Model | None:
    try:
        return bundled(ours("models", name))
    except UnknownName:
        return None


@functools.cache
def weight_only(name: str) -> bool:
    """Whether a file means narrow weights and 16-bit activations.

    >>> weight_only("int8_wo"), weight_only("int8"), weight_only("w4a16"), weight_only("INT4 (AWQ)")
    (True, False, True, True)
    """
    plain = _plain(name)
    return plain.endswith(("_wo", "_weight_only")) or bool(_UNPACKED.search(plain))


@functools.cache
def kernel(name: str) -> str:
    """What a file's name of a format says beside the number format: scaled in blocks, or weights alone."""
    return "-weights" if weight_only(name) else "-blocks" if "block" in name.lower() else ""


@functools.cache
def number_format(name: str) -> str | None:
    """The format that a file calls `name`, or None."""
    try:
        return format_named(ours("formats", name)).name
    except UnknownName:
        return None
