"""For all tests."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes is a matter of the machine: speed is measured in benchmarks/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Files of minutes begin first (`make` keeps the order): what begins last runs alone at the end.
MINUTES = (
    "proof/test_slice.py", "families/rtl_matrix/test_elements.py", "formal/test_weight_decoder.py",
    "quality/test_smollm2.py", "api/test_synth.py", "families/rtl_vector/test_vector.py",
    "families/rtl_matrix/test_matrix.py", "families/rtl_matrix/test_tables.py", "mutation/test_small_elements.py",
    "families/rtl_control/test_sequencer.py", "validation/test_record.py", "proof/test_delivered.py",
    "cli/test_design.py", "test_docs.py", "test_docs_run.py", "validation/test_points_split.py", "rtl/test_lut.py",
    "mutation/test_found_core.py", "api/test_verify.py", "compiler/test_accuracy.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is long is slow, too: `-m "not slow"` leaves it out. Files of minutes come first."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.slow)
    first = {Path(__file__).parent / name: rank for rank, name in enumerate(MINUTES)}
    items.sort(key=lambda item: first.get(item.path, len(first)))


def pytest_collection_finish() -> None:
    """The tests themselves are never garbage: they are not looked through again and again."""
    gc.freeze()
