"""The figures of the chips that exist are those of the survey of accelerators, where it is present."""

import csv
from pathlib import Path

import pytest
from pytest import approx

from sartor.chip.presets import names, preset

SURVEY = Path(__file__).parents[2] / "../shared/data/tech/accelerators.csv"
ROWS = {
    "a100-sxm-80gb": "A100 SXM 80GB",
    "h100-sxm": "H100 SXM",
    "h100-pcie": "H100 PCIe",
    "h100-nvl": "H100 NVL",
    "h200-sxm": "H200 SXM",
    "b200-sxm": "B200 SXM (HGX)",
    "gb200": "GB200 (per GPU)",
    "b300-sxm": "B300 / GB300 (per GPU)",
    "gb300": "B300 / GB300 (per GPU)",
    "l40s": "L40S",
    "l4": "L4",
    "rtx-4090": "RTX 4090",
    "rtx-5090": "RTX 5090",
    "rtx-pro-6000": "RTX PRO 6000 Blackwell SE",
    "jetson-agx-orin": "Jetson AGX Orin 64GB",
    "dgx-spark": "DGX Spark GB10",
    "mi300x": "MI300X",
    "mi325x": "MI325X",
    "mi355x": "MI355X",
    "tpu-v4": "TPU v4",
    "tpu-v5e": "TPU v5e",
    "tpu-v5p": "TPU v5p",
    "tpu-v6e": "TPU v6e Trillium",
    "tpu7x": "TPU7x Ironwood",
    "gaudi2": "Gaudi 2",
    "gaudi3": "Gaudi 3",
    "groq-lpu1": "Groq LPU v1",
    "wse-3": "Cerebras WSE-3",
    "sn40l": "SambaNova SN40L",
    "bow-ipu": "Graphcore Bow IPU",
    "d-matrix-corsair": "d-Matrix Corsair (card)",
    "northpole": "IBM NorthPole",
    "mtia-v1": "MTIA v1",
    "mtia-v2": "MTIA v2",
    "maia-100": "Maia 100",
    "maia-200": "Maia 200",
    "inferentia2": "Inferentia2",
    "trainium2": "Trainium2",
    "cloud-ai-100-ultra": "Cloud AI 100 Ultra",
    "wormhole-n150": "Wormhole n150",
    "wormhole-n300": "Wormhole n300",
    "blackhole-p150a": "Blackhole p150a",
    "atom": "Rebellions ATOM",
    "atom-max": "Rebellions ATOM-Max",
    "rebel-quad": "Rebellions REBEL-Quad (Rebel100)",
    "warboy": "FuriosaAI Warboy",
    "rngd": "FuriosaAI RNGD",
    "aimx": "SK hynix AiMX (32GB card)",
    "hailo-10h": "Hailo-10H",
    "snapdragon-x-elite": "Snapdragon X Elite (Hexagon NPU)",
    "snapdragon-x2-elite": "Snapdragon X2 Elite",
    "apple-m4-max": "Apple M4 Max",
    "tesla-hw3": "Tesla FSD HW3",
}
PEAK_COLUMNS = {
    "bf16_tflops": ("bf16", "fp16"),
    "fp8_tflops": ("fp8-e4m3",),
    "int8_tops": ("int8", "mxint8"),
    "fp4_tflops": ("mxfp4", "nvfp4"),
    "int4_tops": ("int4", "mxfp6-e2m3"),
}
# Where the preset departs from the survey, its note says why.
DEPARTS = {("rtx-pro-6000", "bf16_tflops"), ("rtx-pro-6000", "fp8_tflops")}


@pytest.fixture(scope="module")
def survey() -> dict[str, dict[str, str]]:
    if not SURVEY.exists():
        pytest.skip("the survey ../shared/data/tech/accelerators.csv is not here")
    with SURVEY.open(encoding="utf-8", newline="") as lines:
        return {r["name"]: r for r in csv.DictReader(lines)}


def test_every_chip_is_of_the_survey_but_a_few() -> None:
    # Epoch chip data and its paper; data sheets and what drivers say; secondary sources; announcements.
    assert set(names()) - set(ROWS) == {"tpu-v4i", "a100-sxm-40gb", "h20", "gh200", "h200-nvl", "gh200-144gb"}


@pytest.mark.parametrize("name", sorted(ROWS))
def test_figures_are_those_of_the_survey(name: str, survey: dict[str, dict[str, str]]) -> None:
    chip, seen = preset(name), survey[ROWS[name]]
    memory, on_die = chip.memory, chip.memory.kind == "sram"
    capacity = chip.sram_bytes if on_die else memory.capacity_bytes
    bandwidth = chip.sram_bandwidth_bytes_per_s if on_die else memory.bandwidth_bytes_per_s
    here = {
        "year": chip.year,
        "die_mm2": chip.silicon_mm2,
        "tdp_w": chip.tdp_w,
        "sram_mb": chip.sram_bytes / 1e6,
        "mem_gb": capacity / 1e9,
        "mem_bw_gbs": bandwidth / 1e9,
        "c2c_gbs": 2 * chip.link.bandwidth_bytes_per_s / 1e9,
    }
    for column, value in here.items():
        if seen[column] and (name, column) not in DEPARTS:
            # SRAM chips: the memory column repeats the SRAM in GB, rounded (230 MB is 0.23, 224 MB is 0.22).
            rel = 0.02 if on_die and column == "mem_gb" else 2e-3
            assert value == approx(float(seen[column]), rel=rel), column
    for column, fmts in PEAK_COLUMNS.items():
        found = [chip.peaks[f] / 1e12 for f in fmts if f in chip.peaks]
        if seen[column] and (name, column) not in DEPARTS:
            assert found and all(peak == approx(float(seen[column])) for peak in found), column
        elif found and not seen[column]:
            assert "derived" in chip.note, column  # a peak that the survey lacks says where it is from


def test_departures_from_the_survey_are_explained(survey: dict[str, dict[str, str]]) -> None:
    for name, column in DEPARTS:
        figure = survey[ROWS[name]][column]
        assert f"{column.split('_')[0]} {figure}" in preset(name).note
