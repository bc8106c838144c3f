"""Dynamic energy of a mapped netlist from the toggles of a replay, never from assumed activity.

Each rise of a net charges its load, C V^2 with half of it spent then and half at the fall; the cell's
internal energy comes from the liberty tables at the analyzed slew and load. No wires, no clock tree: the
clock's own net counts with the registers' clock pins. Nets are sampled once a cycle, so glitches are not
counted; the share that they would add grows with the depth of the logic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .arcs import loads_f
from .cells import Floats, Power
from .netlist import Instance
from .simulate import Simulator
from .sta import Sta
from .tables import Tables


@dataclass(frozen=True)
class Energy:
    """Joules of one cycle, the mean over all cycles and runs of the replay, and the leakage."""

    switching_j: float
    internal_j: float
    clock_j: float
    leakage_w: float
    cycles: int
    toggles_per_net: float

    @property
    def cycle_j(self) -> float:
        """Dynamic energy of one cycle."""
        return self.switching_j + self.internal_j + self.clock_j


class Activity:
    """Rises and falls of every net, and pulses of the gated clocks."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.rises = np.zeros(len(simulator.values), dtype=np.int64)
        self.falls = np.zeros(len(simulator.values), dtype=np.int64)
        self.pulses = dict.fromkeys(simulator.pulses, 0)
        self.samples = 0
        self._before = simulator.values.copy()

    def sample(self) -> None:
        """Count the changes since the last sample."""
        now = self.simulator.values
        self.rises += np.bitwise_count(now & ~self._before).sum(axis=1, dtype=np.int64)
        self.falls += np.bitwise_count(self._before & ~now).sum(axis=1, dtype=np.int64)
        self._before = now.copy()
        for net, reached in self.simulator.pulses.items():
            self.pulses[net] += int(np.bitwise_count(reached).sum())
        self.samples += 1


def replay_energy(
    sta: Sta, simulator: Simulator, cycles: int, drive: Callable[[int], None], warm_up: int = 4
) -> Energy:
    """Run `warm_up` + `cycles` clocks; `drive(cycle)` sets the inputs of each before its clock edge."""
    if cycles < 1:
        raise InputError(f"replay: cycles = {cycles} (at least 1)")
    for cycle in range(warm_up):
        _step(simulator, drive, cycle)
    activity = Activity(simulator)
    for cycle in range(warm_up, warm_up + cycles):
        _step(simulator, drive, cycle)
        activity.sample()
    return energy_of(sta, activity)


def _step(simulator: Simulator, drive: Callable[[int], None], cycle: int) -> None:
    drive(cycle)
    simulator.settle()
    simulator.clock()
    simulator.settle()


def energy_of(sta: Sta, activity: Activity) -> Energy:
    """Energy of a mean cycle of one run."""
    netlist = sta.netlist
    runs = activity.samples * activity.simulator.values.shape[1] * 64
    rises, falls = activity.rises / runs, activity.falls / runs
    clocks = _clock_nets(netlist.instances)
    for net in clocks:  # a replay steps the clock; it rises and falls once a cycle, unless it is gated
        rises[net] = falls[net] = activity.pulses.get(net, runs) / runs
    load = loads_f(netlist, sta.constraints.output_load_f)
    charge = load.reshape(-1, 2).mean(axis=1) * netlist.library.voltage_v**2 * (rises + falls) / 2
    clock = sum(charge[n] for n in clocks)
    internal, in_clock = _internal(sta, rises, falls, clocks)
    leakage = sum(i.cell.leakage_w for i in netlist.instances)
    mean = float((rises + falls).mean())
    switching = float(charge.sum() - clock)
    return Energy(switching, internal, float(clock) + in_clock, leakage, activity.samples, mean)


def _clock_nets(instances: tuple[Instance, ...]) -> set[int]:
    clocks = set()
    for instance in instances:
        cell = instance.cell
        pin = cell.flop.clock.strip("!() '") if cell.flop else cell.gate.clock if cell.gate else ""
        clocks |= {instance.pins[pin]} if pin in instance.pins else set()
    return clocks


def _internal(sta: Sta, rises: Floats, falls: Floats, clocks: set[int]) -> tuple[float, float]:
    """Internal energy (J) per cycle of the cells' outputs and inputs, and of the clock pins."""
    rows: list[tuple[Power, int, float]] = []
    for instance in sta.netlist.instances:
        groups: dict[str, list[Power]] = {}
        for power in instance.cell.powers:
            groups.setdefault(power.pin, []).append(power)
        for pin, powers in groups.items():
            # Which condition held is not recorded: the mean over the conditions.
            rows += [(p, instance.pins[pin], 1.0 / len(powers)) for p in powers if pin in instance.pins]
    total = _looked_up(sta, rows, rises, falls)
    nets = np.array([net for _, net, _ in rows], dtype=np.int64)
    at_clock = np.isin(nets, list(clocks))
    return float(total[~at_clock].sum()), float(total[at_clock].sum())


def _looked_up(sta: Sta, rows: list[tuple[Power, int, float]], rises: Floats, falls: Floats) -> Floats:
    energy = np.zeros(len(rows))
    for edge, counts in ((0, rises), (1, falls)):
        tables = [(p.rise, p.fall)[edge] for p, _, _ in rows]
        some = [i for i, t in enumerate(tables) if t is not None]
        if not some:
            continue
        pile = Tables([t for t in tables if t is not None])
        nets = np.array([rows[i][1] for i in some])
        values = pile.look_up(np.arange(len(some)), sta.slew[2 * nets + edge], sta.load[2 * nets])
        energy[some] += values * counts[nets] * np.array([rows[i][2] for i in some])
    return energy
