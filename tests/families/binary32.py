"""Numbers of the vector unit, drawn by hypothesis."""

import numpy as np
from hypothesis import strategies as st


def canonical_numbers() -> st.SearchStrategy[np.float32]:
    """Signs, all exponents of normal numbers, all fractions; and zero."""

    def number(sign: int, field: int, fraction: int) -> np.float32:
        return np.uint32(sign << 31 | field << 23 | fraction).view(np.float32)

    edges = st.sampled_from([0, 1, 2**22, 2**23 - 1]) | st.integers(0, 2**23 - 1)
    normal = st.builds(number, st.integers(0, 1), st.integers(1, 254), edges)
    return st.just(np.float32(0)) | normal
