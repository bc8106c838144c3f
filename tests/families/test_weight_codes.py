"""What multipliers that shift get of every code: a number and a distance, of which what is always 1 is no register."""

import numpy as np
import pytest
from amaranth.sim import Simulator, SimulatorContext

from sartor.families.tensor.core import Core
from sartor.families.tensor.rtl.weight_codes import WeightCodes
from sartor.formats.decode import LOST, Element, integers
from sartor.rtl.fp8 import LANE_BITS, NUMBER_BITS

E = Element
LANES = 64  # of two units of 32


def both(element: Element, elements: tuple[Element, ...]) -> tuple[list[int], dict[int, int]]:
    """Lanes before a load, and of each code: in a word of 32 bytes low parts of 4 bits, high ones beside it."""
    core = Core(rows=2, lanes=32, columns=1, port_bytes=32, multiplier_bits=9, elements=elements)
    unit, before, after = WeightCodes(core), [], {}
    assert element.parts == (4, 2), "codes of 6 bits"

    async def every_code(context: SimulatorContext) -> None:
        before.extend(lanes_of(context))
        codes = np.random.default_rng(1).permutation(LANES).tolist()  # each of them once
        context.set(unit.word, sum((code & 15) << 4 * i for i, code in enumerate(codes)))
        context.set(unit.high, sum((code >> 4) << 2 * i for i, code in enumerate(codes)))
        context.set(unit.element, int(element))
        context.set(unit.load, 1)
        await context.tick()
        after.update(zip(codes, lanes_of(context), strict=True))

    def lanes_of(context: SimulatorContext) -> list[int]:
        words = [context.get(unit.codes[u]) for u in range(core.dot_units)]
        return [word >> LANE_BITS * i & (1 << LANE_BITS) - 1 for word in words for i in range(LANES // len(words))]

    simulator = Simulator(unit)
    simulator.add_clock(1e-9)
    simulator.add_testbench(every_code)
    simulator.run()
    return before, after


def value(lane: int) -> int:
    number = lane & (1 << NUMBER_BITS) - 1
    return (number - ((number >> NUMBER_BITS - 1) << NUMBER_BITS)) << (lane >> NUMBER_BITS)


@pytest.mark.parametrize(
    ("elements", "far"), [((E.INT8, E.E3M2), True), ((E.INT8, E.E3M2, E.E4M3), False)], ids=["alone", "beside E4M3"]
)
def test_every_code_of_e3m2(elements: tuple[Element, ...], far: bool) -> None:
    before, after = both(E.E3M2, elements)
    assert {code: value(lane) for code, lane in after.items()} == {
        code: int(number) << LOST - E.E3M2.lost for code, number in enumerate(integers(E.E3M2))
    }
    # Shifted by 9 to 15: 8 is in every distance, before any load too; E4M3 is shifted by 0 to 14.
    assert {lane >> LANE_BITS - 1 for lane in before} == {int(far)}
