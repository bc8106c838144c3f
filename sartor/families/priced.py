"""What every chip family offers to those who price and compare: one protocol, arrays or scalars alike."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Protocol

from ..formulas.phase import Phase
from ..workload.operators import Operators
from ..workload.step import Step


class Replica(Protocol):
    """Chips side by side that hold one copy of a model (or of one stage's layers)."""

    def phase(self, operators: Operators, step: Step, keep: bool = False, energy: bool = True) -> Phase:
        """One pass; `keep` the times of each operator; without `energy` its latency alone is asked for."""
        ...

    def hop_s(self, n_bytes: Any) -> Any:
        """What one stage sends the next: `n_bytes` of activations, each chip its share."""
        ...


class Priced(Protocol):
    """Chips under the facts of one `Technology`, ready to be asked."""

    @property
    def name(self) -> str: ...

    def replica(self, chips: Any, formats: dict[str, str]) -> Replica:
        """`chips` tensor-parallel; `formats` by tensor class, where the workload fixes them."""
        ...

    @property
    def mixed(self) -> Container[str]:
        """Parts of the model (formats.parts) that have a format of their own."""
        ...

    def weight_bits(self, fixed: str | None, part: str = "") -> Any:
        """Stored bits of a weight of `part`, in the chip's format or in `fixed`."""
        ...

    @property
    def cache_bits(self) -> Any: ...

    @property
    def capacity_bytes(self) -> Any:
        """Memory of one chip for weights and cache."""
        ...

    def room_ratio(self, operators: Operators, context: Any, chips: Any) -> Any:
        """What the vectors of one pass need of the memories on the die, over what they have."""
        ...

    @property
    def static_w(self) -> Any:
        """Drawn by one chip and its memory whether it works or not."""
        ...

    @property
    def limits(self) -> dict[str, Any]:
        """What a budget may bound: die_mm2 (one die), area_mm2 (all), unit_usd; and the voltage that the clock
        needs over the highest that the node bears, where the clock is ours to choose."""
        ...

    def chip_usd(self, volume: Any, tech_nre: dict[str, Any]) -> Any:
        """One chip with its memory at cost, its share of what is paid once included."""
        ...
