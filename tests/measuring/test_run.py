"""Measuring without a GPU: what is planned, what the file holds after any end of a run, that validation reads it."""

import json

import pytest

from sartor import fit, measure, validate
from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.measuring.plan import Plan, key, shape
from sartor.measuring.run import already, run
from sartor.validation import gpu


class Fake:
    """A device that answers from a table of speeds; `stop` points in, the user presses Ctrl-C."""

    name = "NVIDIA_H100_80GB_HBM3"

    def __init__(self, stop=None):
        self.asked, self.stop = [], stop

    def measure(self, point):
        if len(self.asked) == self.stop:
            raise KeyboardInterrupt
        self.asked.append(point)
        if point["kind"] == "idle":
            raise RuntimeError("no NVML: power is not known\nand more")
        if point.get("N") == 57344:
            return None
        return {"s": 1e-3, "J": 0.4, "W": 400.0}


def few():
    return [p for p in Plan(("gemm",)).points() if p["M"] == 1024][:8]


def quiet(what, number, of):
    pass


def test_every_point_has_a_form_that_validation_reads():
    for point in Plan(weights=("bf16", "fp8", "int4")).points():
        form = gpu.Gpu().form({**point, "s": 1.0})
        assert isinstance(form, str) == (point["kind"] in gpu.OTHER)
        if not isinstance(form, str):
            assert set(form.inputs) - {"gpu"} <= set(point)


def test_no_point_is_planned_twice():
    points = [key(p) for p in Plan().points()]
    assert len(points) == len(set(points)) > 600


def test_shapes_are_those_of_the_bundled_models():
    assert shape("llama-3.1-8b") == shape("llama-3.1-8b").__class__(32, 4096, 14336, 32, 8, 128, 128256)
    for name, why in (("mixtral-8x7b", "only dense"), ("gemma-3-1b", "only dense"), ("deepseek-v3", "only dense")):
        with pytest.raises(Unsupported, match=why):
            shape(name)


def test_a_run_goes_on_where_it_stopped(tmp_path):
    file, points = tmp_path / "gpu.jsonl", few()
    first = run(Fake(stop=3), points, file, None, quiet)
    assert first.interrupted and (first.measured, first.left) == (3, len(points) - 3)
    assert len(file.read_text().splitlines()) == 3
    fake = Fake()
    again = run(fake, points, file, None, quiet)
    assert (again.known, again.left, again.interrupted) == (3, 0, False)
    assert again.measured + again.skipped == len(points) - 3 and again.skipped == 1
    assert not {key(p) for p in fake.asked} & {key(p) for p in points[:3]}


def test_a_line_cut_off_is_taken_away(tmp_path):
    file, points = tmp_path / "gpu.jsonl", few()
    run(Fake(stop=2), points, file, None, quiet)
    file.write_text(file.read_text() + '{"kind": "gemm", "dt"')
    assert len(already(file, Fake.name)) == 2
    assert file.read_text().count("\n") == 2
    assert run(Fake(), points, file, None, quiet).known == 2


def test_a_failure_is_a_row_of_its_own_and_costs_no_other(tmp_path):
    file = tmp_path / "gpu.jsonl"
    points = [*Plan(("ceiling",)).points(), *few()[:1]]
    done = run(Fake(), points, file, None, quiet)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert done.failed == 1 and rows[2]["err"] == "no NVML: power is not known" and len(rows) == 4


def test_no_time_left_begins_nothing(tmp_path):
    done = run(Fake(), few(), tmp_path / "gpu.jsonl", 1e-9, quiet)
    assert done.measured == 0 and done.left == len(few())


class Replay:
    """Gives back what our H100 gave."""

    name = "NVIDIA_H100_80GB_HBM3"

    def __init__(self):
        ours = {"llama3-8b": "llama-3.1-8b"}
        lines = gpu.Gpu().default()[0].read_text().splitlines()
        rows = [{**row, "model": ours.get(row.get("model"))} for row in map(json.loads, lines)]
        self.rows = {key({k: v for k, v in row.items() if v is not None}): row for row in rows}

    def measure(self, point):
        row = self.rows.get(key(point))
        return row and {name: row[name] for name in ("s", "J", "W", "sm_mhz")}


def test_what_is_measured_is_validated(tmp_path):
    file = tmp_path / "gpu.jsonl"
    facts = measure(out=file, sections="decode", models="llama-3.1-8b", weights="bf16,fp8", device=Replay())
    found = validate("gpu", file)["by"]["decode llama-3.1-8b"]
    assert facts["measured"] == 44 and facts["skipped"] == 2 * 36 - 44
    assert found["n"] == 44 and found["median_ape"] == validate("gpu")["by"]["decode llama-3.1-8b"]["median_ape"]


def test_too_little_to_fit_is_said(tmp_path):
    file = tmp_path / "gpu.jsonl"
    measure(out=file, sections="decode", models="llama-3.1-8b", weights="bf16", device=Replay())
    with pytest.raises(InputError, match="hopper: 21 rows are of too few models and shapes"):
        fit("gpu", file)
    file.write_text('{"kind": "gemm", "gpu": "H100", "dt": "bf17", "M": 1, "K": 64, "N": 64, "s": 1e-5}\n')
    with pytest.raises(InputError, match=r"gpu.jsonl: no row that could be fitted to .sartor validate gpu --data"):
        fit("gpu", file)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('{"kind": "gemm", "gpu": "NVIDIA_H200"}\n', InputError, "holds measurements of NVIDIA_H200, not of"),
        ("name,value\n1,2\n", BrokenFile, "line 1: not a JSON object"),
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path, text, error, message):
    file = tmp_path / "gpu.jsonl"
    file.write_text(text)
    with pytest.raises(error, match=message):
        run(Fake(), few(), file, None, quiet)
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"sections": "gem"}, "unknown section 'gem': did you mean 'gemm'"),
        ({"models": "llama-9"}, "unknown model 'llama-9'"),
        ({"weights": "fp7"}, "unknown weight format 'fp7'"),
        ({"models": ","}, "models = ',' names nothing"),
        ({"kind": "cpu"}, "unknown kind of measurement 'cpu'"),
    ],
)
def test_what_is_asked_wrongly_is_named(asked, message):
    with pytest.raises(InputError, match=message):
        measure(**asked, device=Fake())
