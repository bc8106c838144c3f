"""What all parts of a pass share: the instructions so far, and where the vectors of its tokens lie."""

from __future__ import annotations

from collections.abc import Callable

from ..core import Core
from ..isa import BATCH, Instruction, Op, make
from ..memory_map import MemoryMap, Scratch, groups, scratch
from ..network import Network


class Body:
    """One pass over the network for `tokens` tokens: a chunk of one sequence, or one token (BATCH: of each of so many
    sequences, up to the core's columns). Strides from one token to the next are in groups of 32."""

    def __init__(self, core: Core, net: Network, memory: MemoryMap, tokens: int) -> None:
        self.core, self.net, self.memory, self.tokens = core, net, memory, tokens
        self.s: Scratch = scratch(core, net, tokens or core.columns, memory.context)
        self.code: list[Instruction] = []
        self.dim = groups(-(-net.dim // core.rows) * core.rows)
        self.head_groups = groups(net.head_dim)
        self.turned_groups = groups((net.heads + net.kv_heads) * net.head_dim)
        self.mixed, self.mixed_groups = self.s.mixed, max(groups(net.heads * net.head_dim), self.head_groups)
        if self.batched:  # in the place of their queries: one register moves both from sequence to sequence
            self.mixed, self.mixed_groups = self.s.turned, self.turned_groups

    @property
    def batched(self) -> bool:
        """Tokens are of sequences of their own."""
        return self.tokens == BATCH

    def add(self, op: Op, label: str = "", **values: int) -> None:
        self.code.append(make(op, label, **values))

    def vec(self, label: str, **values: int) -> None:
        """A pass of the vector unit, of all tokens unless `columns` says otherwise."""
        values.setdefault("columns", self.tokens)
        self.add(Op.VEC, label, **values)

    def loop(self, label: str, count: int, write: Callable[[], None]) -> None:
        """`count` times (BATCH: once for each sequence) what `write` adds."""
        body = self._captured(write)
        if count != 1:
            self.add(Op.LOOP, label, count=count, length=len(body))
        self.code += body

    def _captured(self, write: Callable[[], None]) -> list[Instruction]:
        """The instructions that `write` adds, taken out again."""
        start = len(self.code)
        write()
        taken = self.code[start:]
        del self.code[start:]
        return taken
