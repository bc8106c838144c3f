"""What the report gets of a study's chip as hardware."""

import sys
from dataclasses import replace

import pytest
from tiny_chip import CHIP, Letters, Posing, weights

from sartor.api import silicon
from sartor.errors import CheckFailed
from sartor.proof.lockstep import Mismatch
from sartor.search.study import find_study


@pytest.fixture
def stub(own_cache, monkeypatch):
    verify = sys.modules["sartor.api.verify"]
    monkeypatch.setattr(verify, "weights_for", lambda *given: weights())
    monkeypatch.setattr(verify, "tokenizer_of", lambda path: Letters())
    monkeypatch.setattr(Letters, "encode", lambda self, text: [1, 2, 3])
    monkeypatch.setattr("sartor.proof.verify.Simulator", type("Copy", (Posing,), {}))


def test_the_study_chip_is_verified(stub):
    found = silicon(CHIP, find_study("edge-smollm2"))
    assert found["mismatches"] == 0 and len(found["rtl_tokens"]) == 8 and "synthesis" not in found


def test_gates_come_along_where_asked(stub, monkeypatch):
    monkeypatch.setattr(sys.modules["sartor.api.silicon"], "synth", lambda chip, say: {"gate_equivalents": 7})
    found = silicon(CHIP, find_study("edge-smollm2"), tokens=1, gates=True)
    assert found["synthesis"] == {"gate_equivalents": 7}


@pytest.mark.parametrize(
    ("chip", "study", "reason"),
    [
        (replace(CHIP, cores=2), "edge-smollm2", "tiny has 2 cores; what joins them is not generated"),
        (replace(CHIP, tile=replace(CHIP.tile, kv="int8")), "edge-smollm2", "kv = 'int8' has no decoder"),
        (CHIP, "car", "no weights of .* are known"),
        (replace(CHIP, memory=replace(CHIP.memory, capacity_bytes=1e5)), "edge-smollm2", "MB more than tiny has"),
    ],
)
def test_what_cannot_be_generated_is_refused_with_the_reason(stub, chip, study, reason):
    import re

    found = silicon(chip, find_study(study))
    assert re.search(reason, found["refused"])
    assert list(found) == (["refused", "cores"] if chip.cores == 2 else ["refused"])


def test_a_difference_is_not_refused(stub, monkeypatch):
    monkeypatch.setattr("sartor.proof.verify.Simulator", type("Liar", (Posing,), {"lies": (3,)}))
    monkeypatch.setattr("sartor.proof.lockstep.difference", lambda *a: "it differs")
    with pytest.raises(Mismatch, match="it differs"):
        silicon(CHIP, find_study("edge-smollm2"))
    assert issubclass(Mismatch, CheckFailed)
