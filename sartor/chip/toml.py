"""A chip to TOML and back: quantities carry their units, unknown keys are refused with the closest match."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Any

from ..errors import BrokenFile, InputError, UnknownName
from ..units import parse
from .spec import Chip, Link, Memory, Price, Tile

# key in the file -> (field, suffix that units.py knows, unit written)
_QUANTITIES = {
    "clock": ("clock_hz", "hz", "GHz"),
    "voltage": ("voltage_v", "v", "V"),
    "sram": ("sram_bytes", "bytes", "MiB"),
    "sram_bandwidth": ("sram_bandwidth_bytes_per_s", "bytes_per_s", "TB/s"),
    "die": ("die_mm2", "mm2", "mm2"),
    "tdp": ("tdp_w", "w", "W"),
    "scratchpad": ("scratchpad_bytes", "bytes", "KiB"),
    "fifo": ("fifo_bytes", "bytes", "KiB"),
    "capacity": ("capacity_bytes", "bytes", "GB"),
    "bandwidth": ("bandwidth_bytes_per_s", "bytes_per_s", "GB/s"),
    "purchase": ("purchase_usd", "usd", "USD"),
    "rental": ("rental_usd_per_s", "usd_per_s", "USD/h"),
}
_FIELD_TO_KEY = {field: (key, suffix, unit) for key, (field, suffix, unit) in _QUANTITIES.items()}
_TABLES = {"tile": Tile, "memory": Memory, "link": Link, "price": Price}


def loads(text: str, where: str = "chip.toml") -> Chip:
    """The chip written in `text`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenFile(f"{where}: not TOML: {error}") from None
    fields: dict[str, Any] = {}
    for key, value in raw.items():
        if key in _TABLES:
            fields[key] = _build(_TABLES[key], value, f"{where}: [{key}]")
        elif key == "peaks":
            fields[key] = {f: parse(v, "ops_per_s", f"{where}: [peaks] {f}") for f, v in _table(value, where).items()}
        else:
            fields[key] = value
    return _build(Chip, fields, where)


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a table, found {value!r}")
    return value


def _build(cls: type, raw: object, where: str) -> Any:
    types = {f.name: f for f in dataclasses.fields(cls)}
    keys = [_FIELD_TO_KEY[name][0] if name in _FIELD_TO_KEY else name for name in types]
    fields: dict[str, Any] = {}
    for key, value in _table(raw, where).items():
        if key not in keys:
            raise UnknownName("key", key, keys, where)
        field, suffix, _ = _QUANTITIES.get(key, (key, "", ""))
        number = parse(value, suffix, f"{where} {key}") if suffix else value
        fields[field] = _typed(types[field], number, f"{where} {key}")
    missing = [
        _FIELD_TO_KEY.get(name, (name,))[0]
        for name, f in types.items()
        if name not in fields and f.default is f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise InputError(f"{where}: missing {', '.join(missing)}")
    return cls(**fields)


def _typed(field: dataclasses.Field, value: Any, where: str) -> Any:
    kind = str(field.type).split(" ")[0]
    if kind == "int":
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
            raise InputError(f"{where} = {value!r} must be a whole number")
        return int(value)
    if kind == "str" and not isinstance(value, str):
        raise InputError(f"{where} = {value!r} must be text")
    if kind == "float":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"{where} = {value!r} must be a number")
        return float(value)
    return value


def dumps(chip: Chip) -> str:
    """`chip` as TOML; `loads(dumps(chip)) == chip`."""
    lines, tables = [], []
    for field in dataclasses.fields(chip):
        value = getattr(chip, field.name)
        if value == field.default and field.default is not dataclasses.MISSING:
            continue
        if dataclasses.is_dataclass(value):
            tables += ["", f"[{field.name}]", *_lines(value)]
        elif field.name == "peaks":
            tables += ["", "[peaks]", *(f'{f} = "{_number(v / 1e12)} Tops/s"' for f, v in value.items())] if value else []
        else:
            lines.append(_line(field.name, value))
    return "\n".join(lines + tables) + "\n"


def _lines(part: Any) -> list[str]:
    return [_line(f.name, getattr(part, f.name)) for f in dataclasses.fields(part) if getattr(part, f.name) is not None]


def _line(name: str, value: Any) -> str:
    if name in _FIELD_TO_KEY:
        key, suffix, unit = _FIELD_TO_KEY[name]
        scaled = value / parse(f"1 {unit}", suffix)
        # The unit is for people; the number must come back bit for bit.
        exact = parse(f"{_number(scaled)} {unit}", suffix) == value
        return f'{key} = "{_number(scaled)} {unit}"' if exact else f"{key} = {_number(value)}"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{name} = "{escaped}"'
    return f"{name} = {_number(value)}"


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
