"""From RTL to cells: synthesis, mapping on a liberty file, timing, gate-level replay and energy.

    library = read_library("asap7.lib.gz")
    mapped = map_cells(to_rtlil(design), "top", library, period_s=1e-9)
    mapped.area_um2, mapped.timing.fmax_hz, mapped.components
    simulator = Simulator(mapped.netlist)
    energy = replay_energy(analysis(mapped), simulator, cycles, drive)

All figures are cell figures: no wires, no clock tree, no placement density.
"""

from ..rtl.yosys import clean_verilog, to_rtlil
from .cells import Library
from .constraints import Constraints
from .energy import Energy, replay_energy
from .generic import Generic, GenericComponent, gate_count
from .mapping import Component, Mapped, analysis, map_cells
from .meaning import read_library
from .simulate import Simulator, from_words, to_words
from .structural import verilog
from .timing import Step, Timing

__all__ = [
    "Component", "Constraints", "Energy", "Generic", "GenericComponent", "Library", "Mapped", "Simulator",
    "Step", "Timing", "analysis", "clean_verilog", "from_words", "gate_count", "map_cells", "read_library",
    "replay_energy", "to_rtlil", "to_words", "verilog",
]  # fmt: skip
