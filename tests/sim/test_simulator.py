"""The harness on a device of a few lines: what it reads, writes, counts, digests, and says when it fails."""

from pathlib import Path

import numpy as np
import pytest
from device import CORE, FENCE_PC, HANGS, program

from sartor.errors import BrokenFile, CheckFailed, InputError
from sartor.families.tensor import digest
from sartor.sim.memory_timing import MemoryTiming, ideal
from sartor.sim.simulator import Simulator, Stalls

P = CORE.port_bytes
WORDS = 256


def image(seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, WORDS * P, dtype=np.uint8)


def simulator(
    library: Path, data: object = None, timing: MemoryTiming | None = None, **options: object
) -> Simulator:
    data = image() if data is None else data
    return Simulator(CORE, data, timing or ideal(P), library=library, **options)  # type: ignore[arg-type]


def test_it_reads_adds_and_writes(library: Path) -> None:
    sim, data = simulator(library), image()
    sim.load(program(10, stride=3, base=5, dest=200))
    seen: list[int] = []
    result = sim.run(progress=seen.append)
    words = data.view("<u4").reshape(-1, 4)[5 : 5 + 30 : 3, 0]
    total = int(words.sum(dtype=np.uint32))
    assert sim.peek(200 * P, 4).view("<u4")[0] == total
    assert (sim.peek(200 * P + 4, 12) == data[200 * P + 4 : 201 * P]).all()  # masked
    assert result.argmax_indices == [10] and result.counters["cycles"] == result.cycles
    assert np.float32(result.argmax_values[0]).view(np.uint32) == total
    assert result.memory.words == {"weights": 10, "cache": 0, "stores": 1}
    assert result.memory.breaks == {"weights": 10, "cache": 0, "stores": 1}
    assert seen == [result.cycles]


def expected_digests(data: np.ndarray, count: int, dest: int) -> list[int]:
    """Of the device's five instructions, from what it reads: words 0 to count - 1, all as weights."""
    words = data.reshape(-1, P)[:count]
    elements = np.arange(count)[:, None] * 4 + [0, 1, 3]
    first = digest.digest_scratch(elements, words.view("<f4")[:, [0, 1, 3]])
    codes = np.zeros((count, 32), np.int8)
    codes[:, :P] = words.view(np.int8)
    group = np.arange(count) % 8  # 3 bits of the port
    first += digest.digest_buffer(0, group, codes, np.arange(count) + 3)
    total = words.view("<u4")[:, 0].sum(dtype=np.uint32)
    stored = digest.digest_memory(dest * P + np.arange(4), np.atleast_1d(total))
    return [first % digest.MODULUS, 0, 0, stored, 0]


@pytest.mark.parametrize("stalls", [Stalls(), Stalls(0.3, 0.6, 9)])
def test_digests_agree_with_numpy(library: Path, stalls: Stalls) -> None:
    sim, data = simulator(library, stalls=stalls), image()
    sim.load(program(40, dest=100))
    for _ in range(2):  # the second run reads what the first did not change
        result = sim.run()
        assert result.digests == list(enumerate(expected_digests(data, 40, 100)))
        assert result.unfenced == 0
        assert (np.diff(result.retired["cycle"].astype(int)) > 0).all()


def test_a_dump_has_what_the_digest_has(library: Path) -> None:
    data = image()
    data[:2] = [1, 0]
    sim = simulator(library, data)
    sim.load(program(4, dest=0))  # it overwrites what it reads: the dump begins with the old memory
    result = sim.run()
    writes = sim.dump(0)
    column, group, codes, exponent = writes.buffer()
    assert group.tolist() == [0, 1, 2, 3] and exponent.tolist() == [3, 4, 5, 6]
    addresses, values = writes.scratch()
    assert len(values) == 12 and addresses[:3].tolist() == [0, 1, 3]
    total = digest.digest_scratch(addresses, values) + digest.digest_buffer(column, group, codes, exponent)
    assert writes.pc == 0 and total % digest.MODULUS == result.digests[0][1]
    fence = sim.dump(FENCE_PC)
    assert digest.digest_memory(*fence.memory()) == result.digests[FENCE_PC][1]
    assert fence.memory()[0].tolist() == [0, 1, 2, 3] and len(sim.dump(1).records) == 0
    with pytest.raises(InputError, match="instruction 5 of 5 that retired"):
        sim.dump(5)


def test_stalls_come_from_the_seed(library: Path) -> None:
    def cycles(stalls: Stalls) -> int:
        sim = simulator(library, stalls=stalls)
        sim.load(program(200, tags=2, window=7))
        return sim.run().cycles

    base = cycles(Stalls())
    assert cycles(Stalls(0.4, 0.4, 1)) == cycles(Stalls(0.4, 0.4, 1)) > base
    assert len({cycles(Stalls(0.4, 0.4, seed)) for seed in range(5)}) > 1
    with pytest.raises(InputError, match="request = 1 is outside"):
        cycles(Stalls(1))


def test_a_hang_says_where(library: Path) -> None:
    sim = simulator(library, watchdog=500)
    sim.load(program(9))
    with pytest.raises(
        CheckFailed, match=r"hangs.*cycle 5\d\d, no instruction has retired.*counters: cycles 5"
    ):
        sim.run(position=HANGS)
    assert sim.run(position=0).argmax_indices == [9]  # it goes on


def test_the_limit_of_cycles(library: Path) -> None:
    sim = simulator(library)
    sim.load(program(200))
    with pytest.raises(
        CheckFailed, match=r"not done after 100 cycles, the limit: .*words at the port: 100 of weights"
    ):
        sim.run(most_cycles=100)


def test_an_address_beyond_the_memory(library: Path) -> None:
    sim = simulator(library)
    sim.load(program(9, base=WORDS - 4))
    with pytest.raises(CheckFailed, match="weights ask for word 256 of a memory of 256 words"):
        sim.run()
    sim.load(program(3, base=WORDS - 4, dest=WORDS))  # the core was reset
    with pytest.raises(
        CheckFailed, match=r"stores ask for word 256 .* 3 retired, .*at pc 2 .SET .*register 2"
    ):
        sim.run()


def test_an_image_is_mapped_and_never_written(library: Path, tmp_path: Path) -> None:
    file, data = tmp_path / "image.bin", image()
    file.write_bytes(data[: 100 * P + 3].tobytes())
    sim = simulator(library, file, memory_bytes=2**33)  # sparse
    sim.load(program(50, base=90, dest=2**29 - 1 & 0xFFFFFF))
    result = sim.run()
    words = np.zeros((50, 4), np.uint32)
    padded = np.append(data[90 * P : 100 * P + 3], np.zeros(13, np.uint8))
    words[:11] = padded.view("<u4").reshape(11, 4)
    assert np.float32(result.argmax_values[0]).view(np.uint32) == words[:, 0].sum(dtype=np.uint32)
    assert file.read_bytes() == data[: 100 * P + 3].tobytes()
    sim.poke(7, b"abc")
    assert sim.peek(6, 4).tolist() == [data[6], *b"abc"]


def test_unusable_memories(library: Path, tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match=r"absent.bin: there is no such memory image"):
        simulator(library, tmp_path / "absent.bin")
    with pytest.raises(InputError, match="memory of 16 bytes is smaller than its image of 4,096 bytes"):
        simulator(library, memory_bytes=16)
    with pytest.raises(InputError, match="beyond the core's addresses"):
        simulator(library, memory_bytes=2**37)
    with pytest.raises(InputError, match="bytes 4,090 to 4,100 are outside its 4,096"):
        simulator(library).peek(4090, 10)
    with pytest.raises(InputError, match="nothing has been run"):
        simulator(library).dump(0)


def test_a_program_that_is_too_long(library: Path) -> None:
    with pytest.raises(InputError, match="520 instructions, at most 512"):
        simulator(library).load(program(1) * 65)
    with pytest.raises(InputError, match="17 constants, at most 16"):
        simulator(library).load(program(1), [0.0] * 17)
