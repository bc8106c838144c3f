"""Every command as a Python call: no files needed, nothing printed, results returned."""

from .compare import compare
from .cost import cost
from .design import Design, design, write
from .doctor import doctor
from .estimate import estimate
from .explore import explore
from .find import find_chip
from .listing import listing
from .read import read

__all__ = [
    "Design", "compare", "cost", "design", "doctor", "estimate", "explore", "find_chip", "listing", "read", "write",
]  # fmt: skip
