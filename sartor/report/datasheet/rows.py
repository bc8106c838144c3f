"""Tables of the data sheet: the same cells for Markdown and for HTML."""

from __future__ import annotations

from typing import Any

from ..numbers import count, plain, quantity, size_bytes
from .registers import span

Sheet = dict[str, Any]
Rows = list[tuple[str, ...]]


def kib(size: float) -> str:
    """A size of on-chip memory.

    >>> kib(24500), kib(8192)
    ('23.9 KiB', '8 KiB')
    """
    return size_bytes(size) if size % 1024 == 0 or size < 1024 else f"{plain(size / 1024)} KiB"


def summary(sheet: Sheet) -> str:
    """The one sentence under the name."""
    c, memory = sheet["core"], sheet["memory"]
    macs = c["rows"] * c["lanes"] * c["columns"]
    return (
        f"LLM inference core, {count(macs)} MAC at {quantity(sheet['clock_hz'], 'Hz')} in {sheet['node']}, "
        f"weights {sheet['weights']}, KV cache {sheet['cache']}, {memory['kind'].upper()}"
    )


def cores_note(sheet: Sheet) -> str | None:
    """What a chip of several cores gets; None for one core."""
    if sheet["cores"] == 1:
        return None
    return (
        f"{sheet['chip']} has {sheet['cores']} cores. This is one core of {sheet['cores']}, at its real parameters and "
        "with its share of the memory. What joins the cores on the die is not generated."
    )


def features(sheet: Sheet) -> list[str]:
    """What it is, in a few lines."""
    c, r, model = sheet["core"], sheet["rates"], sheet["model"]
    lines = [
        f"Tile of {c['rows']} rows × {c['lanes']} lanes × {c['columns']} columns: "
        f"{quantity(r['macs_per_s'], 'MAC/s')} peak",
        f"Decoder of {sheet['weights']} weights as they are stored: {sheet['bits_per_weight']:g} bits each",
        f"Vector unit of {c['vector_lanes']} binary32 lanes with 2^x, 1/x and 1/√x in hardware",
        f"Memory port of {c['port_bytes']} bytes a cycle; weights and KV cache are fetched ahead",
        f"{kib(sum(m['bytes'] for m in sheet['memories']))} of on-chip memory in {len(sheet['memories'])} kinds",
        "Bit-exact golden model: every instruction's writes are compared in simulation",
    ]
    if c.get("engine") == "lut":
        lines.insert(1, "No multipliers in the tile: sums of four activations are read from tables that all rows share")
    if sheet["mix"]:
        own = ", ".join(f"{part} {name}" for part, name in sheet["mix"].items())
        lines.insert(2, f"Parts of the model with a format of their own: {own}")
    if model:
        where = f"a context of {count(model['context'])} tokens in {plain(model['bytes'] / 1e6)} MB"
        lines.append(f"Runs {model['name']} with {where}")
    return lines


def timing(sheet: Sheet) -> Rows:
    """Rates: a cycle, a second."""
    r = sheet["rates"]
    return [
        ("multiply-accumulate", count(r["macs_per_cycle"]), quantity(r["macs_per_s"], "MAC/s")),
        ("weights into the tile", f"{plain(r['tile_bytes_per_cycle'])} B",
         quantity(r["tile_bytes_per_cycle"] * sheet["clock_hz"], "B/s")),
        ("memory port", f"{count(r['port_bytes_per_cycle'])} B", quantity(r["port_bytes_per_s"], "B/s")),
        ("memory behind it, peak", f"{plain(r['memory_bytes_per_cycle'])} B", quantity(r["memory_bytes_per_s"], "B/s")),
        ("vector unit, binary32", count(r["vector_per_cycle"]), quantity(r["vector_per_s"], "element/s")),
    ]  # fmt: skip


def bound(sheet: Sheet) -> str:
    """Which of the three carries the fewest bytes of weights."""
    r = sheet["rates"]
    rates = {
        "the memory": r["memory_bytes_per_cycle"], "the memory port": r["port_bytes_per_cycle"],
        "the tile": r["tile_bytes_per_cycle"],
    }  # fmt: skip
    least = min(rates, key=lambda name: rates[name])
    more = ", ".join(
        f"{name} carries {plain(v / rates[least])}×" for name, v in rates.items() if name != least
    )
    return f"Decoding waits for {least}: {plain(rates[least])} bytes a cycle. Of that, {more}."


def parameters(sheet: Sheet) -> Rows:
    def value(row: dict[str, Any]) -> tuple[str, ...]:
        free = f"{row['low']}–{row['high']}" + (", power of two" if row["power_of_two"] else "")
        return row["name"], count(row["value"]), free, row["description"]

    return [value(row) for row in sheet["parameters"]]


def memories(sheet: Sheet) -> Rows:
    return [(m["description"], kib(m["bytes"])) for m in sheet["memories"]]


def ports(sheet: Sheet) -> Rows:
    return [(p["name"], p["way"], count(p["width"]), p["description"]) for p in sheet["ports"]]


def registers(registers: dict[str, Any]) -> Rows:
    return [(span(r), r["name"], r["access"], r["description"]) for r in registers["registers"]]


def counters(registers: dict[str, Any]) -> Rows:
    rows = registers["counters"]
    return [(f"0x{r['low']:04X}", f"0x{r['high']:04X}", r["name"], r["description"]) for r in rows]


def operation(sheet: Sheet) -> list[str]:
    """How a host makes it say a token."""
    c, model = sheet["core"], sheet["model"]
    entry = f" ({model['prefill']} for a chunk of the prompt, {model['decode']} for a token)" if model else ""
    batch = f" ({model['batch']})" if model else ""
    several = (
        f"To decode several sequences at once, up to {c['columns']}, write ROW, POSITION and CACHE of each, how many "
        f"they are to BATCH, and start at the entry for a batch{batch}."
    )
    return [
        "Put the memory image (weight stream, embedding, rope table) into memory; the KV cache needs no clearing.",
        "Write the program from PROGRAM on, four words an instruction, and its constants to CONSTANT.",
        f"Write the embedding addresses to ROW: one to decode, {c['columns']} for a chunk of the prompt.",
        "Write POSITION, CACHE and BATCH: the tokens that are in the KV cache, 0, and 1.",
        f"Write the entry of the program to START{entry}, and read BUSY until it is 0.",
        "Read ARGMAX_INDEX: the next token. Its embedding row is the next ROW; POSITION is one more.",
        *([several] if c["columns"] > 1 else []),
    ]


def formats(sheet: Sheet) -> Rows:
    core = sheet["core"]
    each = {4: "a scale with two bits of fraction and a sign", 8: "a power of two"}
    value_bits = core["cache_bits"]
    key_bits = 8 if core["wide_keys"] else value_bits
    return [
        (
            "weights",
            f"{sheet['weights']}: {sheet['bits_per_weight']:g} bits each; all integers of 4 and 8 bits with a scale, "
            "and a minimum, for 32 to 256",
        ),
        ("activations", "INT8, a power of two for each 32"),
        ("keys", f"INT{key_bits}, {each[key_bits]} (binary16) for each 32 of a token"),
        ("values", f"INT{value_bits}, {each[value_bits]} (bfloat16) for each head and token"),
        ("sums", "40 bits, exact; results binary32"),
        ("vectors", "binary32, one rounding an operation"),
    ]


def memory_map(sheet: Sheet) -> Rows:
    """First word, words, bytes of each part."""
    return [
        (p["name"], f"0x{p['first']:08X}", count(p["words"]), quantity(p["bytes"], "B"))
        for p in sheet["model"]["parts"]
    ]


def strides(sheet: Sheet) -> Rows:
    """Words from one thing to the next."""
    m = sheet["model"]
    head = m["head"]
    return [
        ("embedding row", count(m["row_words"])), ("rope table, a position", count(m["rope_words"])),
        ("KV cache, a layer and KV head", count(m["head_words"])), ("of these: keys", count(head["key_words"])),
        ("values", count(head["value_words"])), ("values' scales", count(head["scale_words"])),
        ("values, a row tile (VALUE_STRIDE)", count(head["value_stride"])),
    ]  # fmt: skip
