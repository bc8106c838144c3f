"""Tests of this folder share prove.py; each needs Yosys and an SMT solver."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
