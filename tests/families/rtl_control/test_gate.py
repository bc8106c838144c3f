"""When the vector unit's clock comes: from a command to the cycles after its pass, and with each write from outside."""

from typing import Any

from amaranth.sim import Simulator

from sartor.families.tensor.rtl.gate import SETTLING, Gate


def active(cycles: dict[int, str], count: int) -> list[int]:
    """Cycles in which it comes, where its inputs named by cycle are set."""
    gate, found = Gate(), []

    async def drive(context: Any) -> None:
        for i in range(count):
            for name in ("command", "running", "written"):
                context.set(getattr(gate, name), name in cycles.get(i, ""))
            if context.get(gate.active):
                found.append(i)
            await context.tick()

    simulator = Simulator(gate)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    return found


def test_it_comes_from_a_command_until_nothing_moves() -> None:
    begins = list(range(SETTLING))  # after a reset
    at = SETTLING + 5
    passes = {at: "command", at + 1: "running", at + 2: "running"}
    assert active(passes, at + 20) == [*begins, at, at + 1, at + 2, *range(at + 3, at + 3 + SETTLING)]


def test_a_write_takes_its_own_cycle_alone() -> None:
    assert active({20: "written", 22: "written"}, 40) == [*range(SETTLING), 20, 22]
