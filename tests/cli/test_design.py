"""The whole job from the command line."""

import json
import os

import pyarrow.parquet as pq

from sartor import api
from sartor.chip import toml
from sartor.tables import data_text


def test_design_writes_a_report_a_chip_and_the_front(run, tmp_path):
    env = {**os.environ, "SARTOR_CACHE": str(tmp_path / "cache")}
    out, short = tmp_path / "out", tmp_path / "short.toml"
    given = data_text("studies/edge-smollm2.toml")
    assert "\npoints = 4000000\n" in given
    short.write_text(given.replace("\npoints = 4000000\n", "\npoints = 4000000\ngenerations = 3\npopulation = 64\n"))
    done = run("design", str(short), "--points", "60000", "--no-build", "--out", str(out), "--json", env=env)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert json.loads((out / "report.json").read_text()) == {k: v for k, v in printed.items() if k != "files"}
    chip = toml.loads((out / "chip.toml").read_text())
    assert chip.name == "edge-smollm2" and chip.tile is not None
    assert pq.read_table(out / "front.parquet").num_rows == printed["search"]["front"]
    assert "<html" in (out / "report.html").read_text()
    # The chosen chip has a name now.
    shown = run(
        "estimate", "--chip", "edge-smollm2", "--model", "smollm2-135m-q4_1", "--context", "512", env=env
    )
    assert shown.returncode == 0 and "edge-smollm2" in shown.stdout
    side = run(
        "compare",
        "edge-smollm2",
        "jetson-agx-orin",
        "--model",
        "smollm2-135m-q4_1",
        "--batch",
        "1",
        "--json",
        env=env,
    )
    assert [row["name"] for row in json.loads(side.stdout)["chips"]] == ["edge-smollm2", "jetson-agx-orin"]


def test_design_is_a_python_call_too():
    from sartor.search.study import find_study

    study = find_study("phone").with_points(40_000).model_copy(update={"others": []})
    search = study.search.model_copy(update={"generations": 3, "population": 64})
    result = api.design(study.model_copy(update={"search": search}))
    head = result.report["headline"]
    assert head["chip"] == "phone" == result.chip.name
    parts = result.report["breakdown"]
    assert abs(sum(parts["usd_per_mtoken"].values()) / head["usd_per_mtoken"] - 1) < 1e-6
    assert abs(sum(parts["energy_j_per_token"].values()) / head["j_per_token"] - 1) < 1e-6
    assert abs(sum(parts["chip_usd"].values()) / head["chip_usd"] - 1) < 1e-6
    assert all(v <= 1 + 1e-5 for v in result.report["limits"].values())
