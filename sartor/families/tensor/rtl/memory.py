"""The memory block: three queues before one memory port, and the FIFOs of what was read."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ....rtl.arbiter import Arbiter
from ....rtl.credit import CreditFifo
from ....rtl.fifo import Fifo
from ..core import Core
from . import memory_ports as ports
from .queues import CacheQueue, WeightQueue
from .store_word import StoreWord

STORES = 2  # words of the store queue's memory
STORE, CACHE, WEIGHTS = range(3)  # streams of the arbiter, by priority


class Memory(wiring.Component):
    """STREAM, FETCH and stores into requests, one a cycle when nothing stalls; responses into two FIFOs.

    A read is asked for only when its FIFO has room for it, so responses are always taken. A request stands
    until it is accepted. `asked` counts requests that are accepted: bit STORE, CACHE or WEIGHTS.
    """

    def __init__(self, core: Core) -> None:
        self.core, word = core, 8 * core.port_bytes
        self.arbiter = Arbiter(ports.ADDRESS_BITS, 3)
        self.weight_fifo = CreditFifo(word, core.weight_fifo_words)
        self.cache_fifo = CreditFifo(word, core.cache_fifo_words)
        super().__init__(
            {
                "stream": In(stream.Signature(ports.stream_layout())),
                "fetch": In(stream.Signature(ports.fetch_layout())),
                "store": In(stream.Signature(ports.store_layout(core))),
                "weights": Out(ports.words_signature(core)), "cache": Out(ports.words_signature(core)),
                "request": Out(ports.request_signature(core)),
                "response": In(ports.response_signature(core)),
                "idle_store": Out(1), "asked": Out(3),
            }
        )  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.arbiter = arbiter = self.arbiter
        m.submodules.weight_queue = weight_queue = WeightQueue()
        m.submodules.cache_queue = cache_queue = CacheQueue()
        m.submodules.weight_fifo = weight_fifo = self.weight_fifo
        m.submodules.cache_fifo = cache_fifo = self.cache_fifo
        wiring.connect(m, weight_queue.command, wiring.flipped(self.stream))
        wiring.connect(m, cache_queue.command, wiring.flipped(self.fetch))
        self.read(m, arbiter, WEIGHTS, weight_queue, weight_fifo, ports.WEIGHTS)
        self.read(m, arbiter, CACHE, cache_queue, cache_fifo, ports.CACHE)
        wiring.connect(m, weight_fifo.o, wiring.flipped(self.weights))
        wiring.connect(m, cache_fifo.o, wiring.flipped(self.cache))
        self.write(m, arbiter)
        request, out = self.request, arbiter.o
        m.d.comb += [
            request.valid.eq(out.valid), out.ready.eq(request.ready), request.address.eq(out.payload),
            request.write.eq(arbiter.grant[STORE]), request.tag.eq(arbiter.grant[CACHE]),
            self.asked.eq(arbiter.grant & request.ready.replicate(3)),
        ]  # fmt: skip
        return m

    def read(
        self, m: Module, arbiter: Arbiter, number: int, queue: WeightQueue | CacheQueue, fifo: CreditFifo, tag: int
    ) -> None:
        """A queue asks while its FIFO has credit; responses of its tag go there."""
        one = arbiter.i[number]
        m.d.comb += [
            one.payload.eq(queue.o.payload), one.valid.eq(queue.o.valid & fifo.may_ask),
            queue.o.ready.eq(one.ready), fifo.ask.eq(one.valid & one.ready),
            fifo.valid.eq(self.response.valid & (self.response.tag == tag)),
            fifo.payload.eq(self.response.data),
        ]  # fmt: skip

    def write(self, m: Module, arbiter: Arbiter) -> None:
        """The store queue: what a word is made of; data and mask go past the arbiter, nothing else has them."""
        m.submodules.store_queue = queue = Fifo(ports.store_layout(self.core), STORES)
        m.submodules.store_word = word = StoreWord(self.core)
        wiring.connect(m, queue.i, wiring.flipped(self.store))
        one, head = arbiter.i[STORE], queue.o.payload
        m.d.comb += [
            one.payload.eq(head.address), one.valid.eq(queue.o.valid), queue.o.ready.eq(one.ready),
            word.store.eq(head), self.request.data.eq(word.data), self.request.mask.eq(word.mask),
            self.idle_store.eq(queue.level == 0),
        ]  # fmt: skip
