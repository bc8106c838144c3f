"""Files with cells that nobody meant: whatever is in them, the answer is figures or an error that names the file."""

import csv
import json
import random

import numpy as np
import pytest

from sartor import validate
from sartor.errors import InputError
from sartor.validation import KINDS

CELLS = ("", "nan", "inf", "-1", "0", "1e400", "1e-300", "1e300", "abc", "None", "1,5", "９", "[]", '{"a": 1}', "16s",
         "10%", "é", "\x00", "99999999999999999999", "0.5", " 3 ", "0x10", "fp4", "h100-sxm", "bf16")  # fmt: skip
VALUES = (*CELLS, None, True, [1], {"a": 2}, 10**30, -5, 1e308)  # of JSON
ROWS, FILES = 40, 8


def rows_of(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    return list(csv.DictReader(path.read_text().splitlines()))


def write(path, rows, names):
    if path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, names)
        out.writeheader()
        out.writerows(rows)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind, one in KINDS.items() if one.default()])
def test_any_cell_may_hold_anything(kind, tmp_path):
    (source,) = KINDS[kind].default()
    rows, draw, read = rows_of(source), random.Random(kind), 0
    path = tmp_path / f"rows{source.suffix}"
    for _ in range(FILES):
        some = [dict(draw.choice(rows)) for _ in range(ROWS)]
        for row in some:
            for name in draw.sample(list(row), draw.choice((0, 1, 1, 2))):
                others = VALUES if source.suffix == ".jsonl" else CELLS
                row[name] = draw.choice((*others, *draw.choice(rows).values()))
        write(path, some, list(rows[0]))
        try:
            found = validate(kind, path)
        except InputError as error:
            assert path.name in str(error)
            continue
        coverage = found["coverage"]
        read += 1
        assert coverage["rows"] + coverage["excluded_n"] == ROWS
        figures = [row[name] for row in found["by"].values() for name in ("median_ape", "p90_ape", "worst_ape", "bias")]
        assert np.isfinite(figures).all()
    assert read == FILES
