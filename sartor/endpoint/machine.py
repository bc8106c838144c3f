"""What runs the chip's program: its golden model, or its RTL in the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..compiler.binary import Binary
from ..families.tensor.golden_batch import Batch, Run
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
    """A decode pass of several sequences is computed side by side, not in turns as the program takes them: the same
    bits, sooner. Its seconds are left to the estimate."""

    gives_logits, seconds = True, None

    def __init__(self, binary: Binary) -> None:
        self._binary = binary
        self._batch = Batch(binary.core, binary.program.instructions, binary.program.constants)
        self.logits: np.ndarray | None = None

    def start(self, given: Start) -> list[int]:
        program, image = self._binary.program, self._binary.image
        if given.entry != program.batch:  # a chunk of one prompt
            self._batch.run(given.entry, [Run(image, given.positions[0], list(given.rows), given.caches[0])])
            return []
        each = zip(given.positions, given.rows, given.caches, strict=True)
        state = self._batch.run(program.decode, [Run(image, at, [row], cache) for at, row, cache in each])
        assert state.logits is not None
        self.logits = state.logits[:, 0]
        return [int(row) for row in state.best[:, 0]]


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
