"""A model compressed and compared: what changes nothing, what is kept, what a dead run leaves."""

import json

import numpy as np
import pytest
from hf_folder import CONFIG, folder, unpacked, unpacked_config
from tiny_model import reordered, tiny, windows
from tiny_network import tiny as tiny_network

from sartor.compiler.checkpoint import Checkpoint
from sartor.compiler.reference import Reference
from sartor.errors import InputError
from sartor.quality import forward, hf_reader
from sartor.quality.attention import Attention
from sartor.quality.classes import LINEAR, parsed
from sartor.quality.measure import last_states, measure
from sartor.quality.model import finite
from sartor.quality.recipe import Recipe, bits_per_weight


def test_the_reference_is_that_of_the_compiler(tmp_path) -> None:
    """A Hugging Face folder of a network's weights, head and embedding one: the logits of the float reference."""
    net = tiny_network()
    point = Checkpoint(folder(tmp_path / "m", unpacked(net), dict.fromkeys(unpacked(net), "F32"),
                              **CONFIG | unpacked_config(net)))  # fmt: skip
    tokens = np.random.default_rng(0).integers(0, net.vocabulary, 50)
    states, head = last_states(hf_reader.model(point, "key"), tokens[None], Recipe())
    other = Reference(net)
    other.head = other.embedding
    assert np.allclose(states @ head(0, net.vocabulary).T, other.logits(list(tokens)), atol=2e-4)


@pytest.mark.parametrize("recipe", [Recipe(rotate=True), Recipe(smooth=0.5), Recipe(rotate=True, smooth=0.7)])
def test_what_only_moves_scales_changes_nothing(recipe: Recipe) -> None:
    found = measure(tiny(), windows(3), recipe)
    assert abs(found["kl"]) < 1e-7 and found["top1_agreement"] == 1


@pytest.mark.parametrize("recipe", [Recipe(activations="int8", kv="int8"), Recipe(activations="chip", kv="chip")])
def test_what_is_rounded_is_the_same_in_whatever_order_sums_are_taken(recipe: Recipe) -> None:
    """In binary32 last bits differ, and here and there a code."""
    states = [last_states(model, windows(), recipe)[0] for model in (tiny(), reordered(tiny()))]
    assert np.array_equal(*states)
    assert not np.array_equal(*(last_states(model, windows(), Recipe())[0] for model in (tiny(), reordered(tiny()))))


def test_more_bits_do_less_harm() -> None:
    kl = [measure(tiny(), windows(), Recipe(parsed(name)))["kl"] for name in ("int8-g32", "int4-g32", "int2-g32")]
    assert 0 < kl[0] < kl[1] / 20 < kl[2] / 40


@pytest.mark.parametrize("part", [*LINEAR, "embedding"])
def test_every_class_of_weights_does_harm_alone(part: str) -> None:
    assert measure(tiny(), windows(), Recipe({part: "int4-g32"}))["kl"] > 1e-5


@pytest.mark.parametrize("recipe", [Recipe(activations="mxint8"), Recipe(activations="chip"), Recipe(kv="int4"),
                                    Recipe(kv="fp8-e4m3"), Recipe(kv="chip")])  # fmt: skip
def test_activations_and_cache_do_harm(recipe: Recipe) -> None:
    assert 1e-8 < measure(tiny(), windows(), recipe)["kl"] < 0.1


def test_turned_values_are_the_same_network() -> None:
    model, tokens = tiny(), windows()
    given = forward.Forward(model, Recipe(kv="chip-k8v4-turned"))
    given.attention = Attention(model.shape)  # which rounds nothing
    x = given.begin(tokens)
    for i in range(model.layers):
        x = given.layer(i, x)
    assert np.allclose(given.end(x), last_states(model, tokens, Recipe())[0], atol=1e-4)


@pytest.mark.parametrize("kv", ["chip-k8v4", "chip-int4"])
def test_turned_values_bear_fewer_bits_where_one_channel_is_large(kv: str) -> None:
    model = tiny()
    for i in range(model.layers):
        model.reader.matrices[i, "attn_v"][5::32] *= 20
        model.reader.matrices[i, "attn_o"][:, 5::32] /= 20
    plain, turned = (measure(model, windows(3), Recipe(kv=name))["kl"] for name in (kv, kv + "-turned"))
    assert 0 < turned < plain / 2


def test_calibration_helps() -> None:
    """Weights of normal numbers: rounding them with the inputs in view costs less."""
    plain, calibrated = (measure(tiny(), windows(3, 200), Recipe(parsed(f))) for f in ("int3-g32", "int3-g32-gptq"))
    assert calibrated["kl"] < 0.85 * plain["kl"]


def test_several_windows_are_scored_as_each_by_itself() -> None:
    """Calibrated on the same others."""
    model, tokens, recipe = tiny(), windows(4, 60), Recipe(parsed("int3-g32-gptq"))
    both = forward.Forward(model, recipe, scored=2)
    x = both.begin(tokens)
    for i in range(model.layers):
        x = both.layer(i, x)
    for i in range(2):
        alone, _ = last_states(model, tokens[[i, 2, 3]], recipe)
        exact, _ = last_states(model, tokens[i : i + 1], Recipe())
        assert np.abs(both.end(x[i : i + 1]) - alone).max() < 0.01 * np.abs(exact - alone).max()


def test_smoothing_helps_where_one_channel_is_large() -> None:
    model = tiny()
    for i, gammas in enumerate(model.reader.factors):
        gammas[:, 5] *= 100
        for part in set(LINEAR) - {"attn_o", "ffn_down"}:
            model.reader.matrices[i, part][:, 5] /= 100
    found = [measure(model, windows(3), Recipe(activations="int8", smooth=alpha))["kl"] for alpha in (None, 0.5)]
    assert found[1] < found[0] / 20


def test_a_result_is_found_again() -> None:
    recipe = Recipe(parsed("int8"))
    first, again = (measure(tiny(), windows(), recipe) for _ in range(2))
    assert not first["cached"] and again == {**first, "cached": True}
    assert not measure(tiny(seed=1), windows(), recipe)["cached"]
    assert not measure(tiny(), windows(tokens=41), recipe)["cached"]
    assert not measure(tiny(), windows(), Recipe(parsed("int8"), kv="int8"))["cached"]


@pytest.mark.parametrize("weights", ["int4-g32", "int4-g32-gptq"])
def test_a_run_that_dies_goes_on_after_its_last_layer(weights: str, cache, monkeypatch) -> None:
    recipe, ran, layer = Recipe(parsed(weights)), [], forward.Forward.layer

    def dying(self, i, x):
        ran.append((self.recipe.exact, i))
        if len(ran) == 6:
            raise KeyboardInterrupt
        return layer(self, i, x)

    monkeypatch.setattr(forward.Forward, "layer", dying)
    with pytest.raises(KeyboardInterrupt):
        measure(tiny(), windows(3), recipe)
    assert ran == [(True, 0), (True, 1), (True, 2), (False, 0), (False, 1), (False, 2)]
    found = measure(tiny(), windows(3), recipe)
    assert ran[6:] == [(False, 2)]
    assert [path.suffix for path in (cache / "quality").iterdir()].count(".npz") == 1  # that of the reference
    monkeypatch.setenv("SARTOR_CACHE", str(cache / "other"))
    assert measure(tiny(), windows(3), recipe)["kl"] == found["kl"]


def test_damaged_files_of_a_run_before_are_not_believed(cache) -> None:
    recipe = Recipe(parsed("int8"))
    right = measure(tiny(), windows(), recipe)
    for path in (cache / "quality").iterdir():
        path.write_bytes(path.read_bytes()[:40])
    assert measure(tiny(), windows(), recipe)["kl"] == right["kl"]


def test_bits_count_scales_and_what_stays() -> None:
    # The FFN has 3 x 64 x 96 of the weights, q and o 128 x 64 each, k and v 64 x 64.
    assert sum(tiny().elements(p) for p in LINEAR) == 3 * 64 * 96 + 2 * 128 * 64 + 2 * 64 * 64 == 43008
    found = bits_per_weight(tiny(), Recipe(parsed("ffn=int4-g32")), dict.fromkeys(LINEAR[4:], 4.5))
    assert found == pytest.approx((18432 * 4.5 + 24576 * 32) / 43008)


def test_a_weight_that_is_no_number_is_named() -> None:
    model = tiny()
    model.reader.matrices[1, "attn_k"][7, 3] = np.inf
    with pytest.raises(InputError, match=r"tiny0: attn_k of layer 1: the weight inf at \[7, 3\] is not a finite"):
        measure(model, windows(), Recipe(parsed("int8")))
    with pytest.raises(InputError, match=r"x: the weight nan at \[0, 1\]"):
        finite(np.float32([[1, np.nan]]), lambda row: ("x", row))


def test_logits_that_overflow_are_refused() -> None:
    model = tiny()
    model.reader.last[:] = 3e38
    with pytest.raises(InputError, match=r"tiny0: the logits are no finite numbers: .* overflow binary32"):
        measure(model, windows(), Recipe(parsed("int8")))


def test_rows_that_groups_do_not_divide_are_refused() -> None:
    with pytest.raises(InputError, match="activations: rows of 64 weights are not whole blocks"):
        measure(tiny(), windows(), Recipe(activations="q4_k"))


def test_alpha_is_a_share() -> None:
    with pytest.raises(InputError, match=r"--smooth 1.5 is not between 0 and 1 \(try 0.5\)"):
        Recipe(smooth=1.5)


def test_results_are_plain_json() -> None:
    assert json.loads(json.dumps(measure(tiny(), windows(), Recipe(parsed("int8")))))["tokens"] == 40
