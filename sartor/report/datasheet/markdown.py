"""The data sheet, the register map and the memory map as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import rows
from .words import words

Sheet = dict[str, Any]


def markdown(sheet: Sheet) -> str:
    """The whole data sheet."""
    note = rows.cores_note(sheet)
    parts = [
        f"# {sheet['chip']}", rows.summary(sheet) + ".", *([f"**{note}**"] if note else []),
        _list(rows.features(sheet)),
        *_hardware(sheet), *_software(sheet), *_rest(sheet), f"Made by Sartor {sheet['sartor']}.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def registers_markdown(sheet: Sheet) -> str:
    """The host's registers alone."""
    return "\n\n".join([f"# {sheet['chip']}: host registers", *_registers(sheet)]) + "\n"


def memory_markdown(sheet: Sheet) -> str:
    """The memory map alone."""
    return "\n\n".join([f"# {sheet['chip']}: memory map", *_map(sheet)]) + "\n"


def _head(name: str) -> str:
    return f"## {words()['headings'][name]}"


def _hardware(sheet: Sheet) -> list[str]:
    return [
        _head("parameters"), _table(("parameter", "value", "family", "what it is"), rows.parameters(sheet)),
        _table(("on-chip memory", "size"), rows.memories(sheet)),
        _head("timing"), _table(("what", "a cycle", "a second"), rows.timing(sheet)), rows.bound(sheet),
        _head("ports"), _table(("port", "way", "bits", "what it is"), rows.ports(sheet)),
        _head("memory"), MEMORY,
    ]  # fmt: skip


MEMORY = (
    "One word a request. A request holds until `request_ready`; a read's word comes back with its tag, in the order of "
    "the requests of that tag, and is always taken: a read is asked for only when its FIFO has room. A read sees all "
    "writes taken before it. Stores go before the KV cache, the KV cache before weights."
)


def _software(sheet: Sheet) -> list[str]:
    steps = "\n".join(f"{i}. {line}" for i, line in enumerate(rows.operation(sheet), 1))
    found = [
        _head("registers"),
        *_registers(sheet),
        _head("operation"),
        steps,
        _head("instructions"),
        INSTRUCTIONS,
    ]
    for op in sheet["instructions"]:
        found += [f"### {op['name']}", op["description"]]
        found.append(_table(("bits", "field", "what it says"), fields(op)))
    return found


INSTRUCTIONS = (
    "128 bits, the opcode lowest. Addresses in the scratchpad and the activation buffer count groups of 32 elements; "
    "memory addresses count words of the port. One instruction runs at a time; the queues run ahead."
)


def fields(op: dict[str, Any]) -> rows.Rows:
    """Bits, name and meaning."""
    return [
        (f"{f['low']}" if f["low"] == f["high"] else f"{f['high']}:{f['low']}", f["name"], f["description"])
        for f in op["fields"]
    ]


def _registers(sheet: Sheet) -> list[str]:
    registers = sheet["register_map"]
    return [
        "Addresses of 32-bit words. An access takes one cycle; what is read comes in the next.",
        _table(("address", "register", "access", "what it is"), rows.registers(registers)),
        _table(("low", "high", "counter", "what it counts"), rows.counters(registers)),
    ]


def _rest(sheet: Sheet) -> list[str]:
    limits = _list(sheet["limits"])
    return [
        *([_head("map"), *_map(sheet)] if sheet["model"] else []),
        _head("numbers"), _table(("what", "format"), rows.formats(sheet)), _list(sheet["contract"]),
        _head("bounds"), _table(("what", "bound"), sheet["bounds"]), limits,
    ]  # fmt: skip


def _map(sheet: Sheet) -> list[str]:
    model, port = sheet["model"], sheet["core"]["port_bytes"]
    return [
        f"{model['name']} with a context of {model['context']:,} tokens. Addresses are words of {port} bytes.",
        _table(("part", "first word", "words", "size"), rows.memory_map(sheet)),
        _table(("stride", "words"), rows.strides(sheet)),
    ]


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(heads: tuple[str, ...], body: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *body]
    return "\n".join("| " + " | ".join(str(c).replace("|", "\\|") for c in line) + " |" for line in lines)
