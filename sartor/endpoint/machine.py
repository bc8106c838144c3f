"""What runs the chip's program: its golden model, or its RTL in the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..compiler.binary import Binary
from ..families.tensor.golden import Golden
from ..families.tensor.start import Start

if TYPE_CHECKING:
    from ..sim.simulator import Simulator


class Machine(Protocol):
    """`logits` [sequences or more, vocabulary or more] and `seconds` of the last run; None where it does not tell."""

    @property
    def gives_logits(self) -> bool: ...

    @property
    def logits(self) -> np.ndarray | None: ...

    @property
    def seconds(self) -> float | None: ...

    def start(self, given: Start) -> list[int]: ...


class OnGolden:
    """Its seconds are left to the estimate."""

    gives_logits, seconds = True, None

    def __init__(self, binary: Binary) -> None:
        self._golden = Golden(binary.core, binary.image, binary.program.instructions, binary.program.constants)

    def start(self, given: Start) -> list[int]:
        return self._golden.start(given)

    @property
    def logits(self) -> np.ndarray | None:
        logits = self._golden.state.logits
        return None if logits is None else logits[0]


class OnRtl:
    """The hardware keeps the best logit alone; its seconds are its cycles."""

    gives_logits, logits = False, None

    def __init__(self, binary: Binary, simulator: Simulator, clock_hz: float) -> None:
        self._simulator, self._clock_hz = simulator, clock_hz
        self._simulator.load(binary.program.instructions, binary.program.constants)
        self.seconds: float | None = None

    def start(self, given: Start) -> list[int]:
        result = self._simulator.start(given)
        self.seconds = result.cycles / self._clock_hz
        return result.argmax_indices
