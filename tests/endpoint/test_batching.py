"""Requests share passes: each says what it says alone, whoever else comes, goes or waits."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_service import Speaking, service, serving, until

from sartor.compiler.session import Session, chunks
from sartor.endpoint.engine import Engine, Full
from sartor.endpoint.passes import Pass
from sartor.endpoint.rate import WINDOW_S, Rate
from sartor.endpoint.sampling import Sampling, pick
from sartor.endpoint.stream import Event, Finished, Piece, Stream
from sartor.endpoint.text import Text
from sartor.families.tensor.golden import Golden
from sartor.workload.traces import read_trace

COLUMNS, PLACES = 2, 3
TOKENS, GONE = 20, (2, 5)  # of an answer over sockets; who goes in the middle
ALONE: dict[tuple[int, ...], list[int]] = {}


def alone(engine: Engine, prompt: list[int], count: int) -> list[int]:
    """What the golden model says, one token after the other."""
    known = ALONE.setdefault(tuple(prompt), [])
    if len(known) < count:
        b = engine.binary
        machine = Golden(b.core, b.image.copy(), b.program.instructions, b.program.constants)
        known[:] = Session(b, machine).generate(prompt, count)
    return known[:count]


@dataclass
class Asked:
    """A stream of ours, its events, and the passes that it was in."""

    stream: Stream
    events: list[Event] = field(default_factory=list)

    @property
    def said(self) -> list[int]:
        return [e.token for e in self.events if isinstance(e, Piece)]

    @property
    def reason(self) -> str:
        ends = [e.reason for e in self.events if isinstance(e, Finished)]
        assert len(ends) <= 1
        return ends[0] if ends else ""


def ask(prompt: list[int], most: int) -> Asked:
    events: list[Event] = []
    rng = np.random.default_rng(0)
    return Asked(Stream(prompt, most, Sampling(), Text(Speaking()), events.append, rng), events)


@pytest.fixture
def engine(images):
    """Its thread is not started: turns are ours."""
    made = service(images, streams=PLACES, waiting=2).engine
    made.passes = []
    told = made._passes._told.passed
    made._passes._told.passed = lambda done: (made.passes.append(done), told(done))
    return made


REQUEST = st.tuples(
    st.integers(0, 12),  # the turn in which it comes
    st.lists(st.integers(0, 63), min_size=1, max_size=9), st.integers(1, 6),
    st.none() | st.integers(0, 12),  # turns after which it is given up
)  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(requests=st.lists(REQUEST, min_size=1, max_size=7))
def test_whoever_comes_and_goes_each_says_what_it_says_alone(shared_engine, requests):
    engine, asked = shared_engine, []
    ran: dict[int, list[int]] = {}
    for turn in range(200):
        for at, prompt, most, gone in requests:
            if at == turn:
                asked.append((ask(prompt, most), gone, turn))
                engine.submit(asked[-1][0].stream)
        for one, gone, came in asked:
            if gone is not None and turn == came + gone:
                engine.cancel(one.stream)
        before = {id(s): s.on_chip.passes for s in engine.running}
        engine._turn()
        for s in list(engine.running):
            assert s.on_chip.passes <= before.get(id(s), 0) + 1
            ran.setdefault(id(s), []).append(s.on_chip.passes - before.get(id(s), 0))
        if turn > 12 and engine.idle:
            break
    assert engine.idle and len(engine._passes._together._free) == PLACES
    for one, gone, _ in asked:
        said, stream = one.said, one.stream
        assert said == alone(engine, stream.prompt, max(len(said), 1))[: len(said)]
        assert one.reason == ("length" if len(said) == stream.most else "abort")
        assert one.reason == "length" or gone is not None
        # Of three that take turns in passes for two, nobody waits for more than two passes of others.
        waits = "".join(map(str, ran.get(id(stream), [])))
        assert "000" not in waits


@pytest.fixture(scope="module")
def shared_engine(images):
    return service(images, streams=PLACES, waiting=100).engine


def test_who_comes_is_in_the_next_pass(engine):
    first = ask([1, 2], 9)
    engine.submit(first.stream)
    for _ in range(3):  # a chunk, two tokens
        engine._turn()
    second = ask([7], 9)
    engine.submit(second.stream)
    engine._turn()
    assert len(second.said) == 1 and len(first.said) == 3
    assert engine.passes[-1].sequences == 2 and engine.passes[-1].decode
    assert [p.sequences for p in engine.passes] == [1, 1, 1, 2]


def test_a_place_is_free_in_the_pass_after_it_was_given_up(engine):
    asked = [ask([5], 9) for _ in range(PLACES + 1)]
    for one in asked:
        engine.submit(one.stream)
    engine._turn()
    assert engine.running == [one.stream for one in asked[:PLACES]]
    engine.cancel(asked[0].stream)
    engine._turn()
    assert asked[0].reason == "abort" and asked[-1].stream in engine.running


def test_a_long_prompt_and_the_tokens_of_others_take_turns(engine):
    """Neither waits for the other: ten chunks of two tokens, and ten tokens between them."""
    short, long = ask([1], 30), ask([2] * 21, 1)
    engine.submit(short.stream)
    engine._turn()
    engine.submit(long.stream)
    for _ in range(20):
        engine._turn()
    assert [p.decode for p in engine.passes[1:]] == [True, False] * 10
    assert len(short.said) == 11 and long.stream.sequence.is_fed


def test_a_long_prompt_is_not_starved_by_short_ones(engine):
    long = ask([1] * 21, 1)
    engine.submit(long.stream)
    for _ in range(40):
        while len(engine.waiting) < 2:
            engine.submit(ask([2] * 5, 1).stream)  # somebody new all the time
        engine._turn()
    assert long.reason == "length"  # ten chunks and a token: of three that take turns, a third of the passes


def test_what_all_are_charged_is_what_the_chip_took(engine):
    asked = [ask([3] * n, n) for n in (1, 4, 7)]
    for one in asked:
        engine.submit(one.stream)
    while not engine.idle:
        engine._turn()
    on_chip = [one.stream.on_chip for one in asked]
    assert sum(o.share_s for o in on_chip) == pytest.approx(sum(p.seconds for p in engine.passes))
    assert sum(o.energy_j for o in on_chip) == pytest.approx(sum(p.joules for p in engine.passes))
    assert max(o.last_s for o in on_chip) == pytest.approx(sum(p.seconds for p in engine.passes))
    decodes = [p.sequences for p in engine.passes if p.decode]
    assert max(decodes) == COLUMNS
    # Tokens over what is recorded as their batch are all the passes, and no more.
    assert sum(o.decodes / o.batch for o in on_chip) == pytest.approx(len(decodes))


def test_a_pass_of_two_costs_less_than_two_passes(engine):
    costs = engine.costs
    one, two = costs.decode([4]), costs.decode([4, 4])
    assert one[0] < two[0] < 2 * one[0] and one[1] < two[1] < 2 * one[1]
    # Each has its own share of the attention: between all at the first position and all at the last.
    assert costs.decode([4, 40])[0] == pytest.approx((two[0] + costs.decode([40, 40])[0]) / 2)


def test_what_the_host_draws_goes_into_the_cache(engine):
    """Drawn among others: as if drawn from the logits of the golden model alone, each token fed before the next."""
    hot, binary = Sampling(temperature=2.0), engine.binary
    one, other = ask([1, 2, 3], 6), ask([9], 8)
    one.stream.sampling = hot
    for each in (one, other):
        engine.submit(each.stream)
    while not engine.idle:
        engine._turn()
    machine = Golden(binary.core, binary.image.copy(), binary.program.instructions, binary.program.constants)
    session, rng, token, drawn = Session(binary, machine), np.random.default_rng(0), 3, []
    for at, chunk in chunks(binary, [1, 2, 3]):
        machine.run(binary.program.prefill, at, [binary.row(t) for t in chunk])
    session.position = 2
    for _ in range(6):
        session.step(token)
        token = pick(machine.state.logits[0, 0, : binary.vocabulary], hot, rng)
        drawn.append(token)
    assert one.said == drawn != alone(engine, [1, 2, 3], 6) and other.said == alone(engine, [9], 8)


def test_a_fault_in_one_answers_text_ends_that_one_alone(engine, caplog):
    bad, good = ask([1], 5), ask([2], 5)
    bad.stream.text.push = lambda token: 1 / 0
    for one in (bad, good):
        engine.submit(one.stream)
    while not engine.idle:
        engine._turn()
    assert (bad.reason, good.reason) == ("error", "length") and "ZeroDivisionError" in caplog.text
    assert good.said == alone(engine, [2], 5)


def test_a_fault_at_the_end_of_one_answer_is_told_and_ends_that_one_alone(engine, caplog):
    asked = gone, bad, good, _ = [ask([n], n) for n in (9, 2, 5, 3)]
    for one in (gone, bad):
        one.stream.text.end = lambda: 1 / 0
    for one in asked:
        engine.submit(one.stream)
    engine._turn()
    engine.cancel(gone.stream)
    while not engine.idle:
        engine._turn()
    assert [one.reason for one in asked] == ["error", "error", "length", "length"]
    assert good.said == alone(engine, [5], 5) and len(engine._passes._together._free) == PLACES
    assert "ZeroDivisionError" in caplog.text


def test_a_fault_of_who_counts_holds_nobody_up(engine, monkeypatch, caplog):
    monkeypatch.setattr(engine._watcher, "finished", lambda stream: 1 / 0)
    asked = [ask([n], n) for n in (1, 3)]
    for one in asked:
        engine.submit(one.stream)
    while not engine.idle:
        engine._turn()
    assert [one.reason for one in asked] == ["length", "length"] and "ZeroDivisionError" in caplog.text


def test_what_is_held_is_counted_while_somebody_leaves(engine):
    """Metrics are asked in another thread: a place that is there at one look may be gone at the next."""
    there = ask([1, 2, 3], 1)
    engine.submit(there.stream)
    engine._turn()
    held = engine.cache_use
    looks = iter([there.stream.sequence, None])
    engine.running = [type("Leaving", (), {"sequence": property(lambda self: next(looks))})()]
    assert engine.cache_use == held == 2 / (PLACES * engine.binary.memory.context)


def test_who_cannot_be_admitted_ends_alone(engine):
    bad, good = ask([1] * 300, 1), ask([2], 2)  # the door refuses it; the engine is told all the same
    for one in (bad, good):
        engine.submit(one.stream)
    while not engine.idle:
        engine._turn()
    assert (bad.reason, good.reason) == ("error", "length")


def test_nobody_waits_where_nobody_may_but_places_are_taken(images):
    engine = service(images, streams=2, waiting=0).engine
    for _ in range(2):
        engine.submit(ask([1], 3).stream)
    with pytest.raises(Full):
        engine.submit(ask([1], 3).stream)


def test_the_rate_of_late():
    rate = Rate()
    rate._began -= 60.0
    now = rate._began + 60.0
    rate.add(now - 2 * WINDOW_S, 100, 1.0)  # too long ago
    rate.add(now - 4, 3, 0.01)
    rate.add(now - 3, 0, 0.04)  # a chunk of a prompt
    rate.add(now - 2, 7, 0.05)
    assert rate.here() == pytest.approx(10 / WINDOW_S, rel=0.2)
    assert rate.on_chip() == pytest.approx(10 / 0.1)


def histogram(served, name: str) -> tuple[float, float]:
    """Count and sum."""
    return served.metric(f"{name}_count"), served.metric(f"{name}_sum")


def test_clients_at_once_over_sockets(images, tmp_path):
    """Eight at once, two of whom go in the middle; what is counted and recorded is what ran together."""
    openai = pytest.importorskip("openai", reason="pip install openai")
    prompts = ["HELLO", "A", "THE CAT SAT ON", "B" * 12, "HELLO", "WORLD", "ONE TWO", "C" * 9]
    path, letters, passes = tmp_path / "a.jsonl", Speaking(), list[Pass]()
    ready = service(images, record=path)
    told = ready.engine._passes._told.passed
    ready.engine._passes._told.passed = lambda done: (passes.append(done), told(done))

    async def whole(client, prompt: str) -> str:
        stream = await client.completions.create(model="tiny", prompt=prompt, max_tokens=TOKENS, stream=True)
        return "".join([chunk.choices[0].text async for chunk in stream])

    async def part(place: tuple[str, int], prompt: str) -> str:
        """Reads four tokens and goes."""
        body = json.dumps({"model": "tiny", "prompt": prompt, "max_tokens": TOKENS, "stream": True})
        head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}"
        reader, writer = await asyncio.open_connection(*place)
        writer.write(f"{head}\r\nContent-Type: application/json\r\n\r\n{body}".encode())
        chunks: list[dict] = []
        while len(chunks) < 4:
            line = await reader.readline()
            chunks += [json.loads(line[6:])] if line.startswith(b"data: ") else []
        writer.close()
        return "".join(chunk["choices"][0]["text"] for chunk in chunks)

    async def everybody(served) -> list[str]:
        place = served.sock.getsockname()
        async with openai.AsyncOpenAI(base_url=served.url + "/v1", api_key="-", max_retries=0) as client:
            return await asyncio.gather(
                *(part(place, prompt) if i in GONE else whole(client, prompt) for i, prompt in enumerate(prompts))
            )

    with serving(ready) as served:
        said = asyncio.run(everybody(served))
        until(lambda: served.engine.idle and served.metric("sartor:recorded_requests") == len(prompts))
        for prompt, text in zip(prompts, said, strict=True):
            assert letters.decode(alone(served.engine, letters.encode(prompt), TOKENS)).startswith(text)
        assert [len(text) for i, text in enumerate(said) if i not in GONE] == [TOKENS] * 6
        decodes = [p.sequences for p in passes if p.decode]
        assert histogram(served, "sartor:batch_size") == (len(decodes), sum(decodes))
        assert served.metric("sartor:passes_total") == len(passes)
        assert served.metric("vllm:generation_tokens_total") == sum(decodes) and max(decodes) == COLUMNS
        assert served.metric("sartor:chip_seconds_total") == pytest.approx(sum(p.seconds for p in passes))
        assert served.metric("sartor:chip_tokens_per_second") > 0 < served.metric("sartor:tokens_per_second")
        assert served.metric("vllm:num_requests_waiting") == 0 == served.metric("vllm:kv_cache_usage_perc")
        assert 'finished_reason="abort",model_name="tiny"} 2.0' in served.metrics()
    found = read_trace(path)
    assert len(found) == len(prompts) and Counter(found.output_tokens.tolist())[TOKENS] >= 6
    assert found.recorded_batch == pytest.approx(sum(decodes) / len(decodes), rel=1e-3)
    assert 1 < found.recorded_batch <= COLUMNS
