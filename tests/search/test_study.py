"""Studies: all that come with Sartor load; what is wrong is said with its place."""

import random

import pytest

from sartor.errors import InputError, SartorError
from sartor.search import study
from sartor.search.problem import problem
from sartor.tables import data_text

TEXT = data_text("studies/edge-smollm2.toml")


@pytest.mark.parametrize("name", study.names())
def test_studies_load_and_say_what_they_rest_on(name):
    found = study.find_study(name)
    assert found.name == name and found.title and found.title_ko and len(found.rests_on) > 100
    assert problem(found).space.size > 1e6
    for other in found.others:
        problem(found.asked(other))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('power = "2 W"', 'powr = "2 W"', r"\[budget\]: unknown key 'powr': did you mean 'power'\?"),
        ('power = "2 W"', 'power = "2 GB"', r"\[budget\] power = '2 GB': unit 'GB' measures bytes, not w"),
        ('power = "2 W"', 'power = "-2 W"', r"\[budget\] power = '-2 W'.*greater than 0"),
        ('power = "2 W"', "power = nan", r"not a finite number"),
        ('profile = "chat"', 'profile = "chta"', r"did you mean 'chat'\?"),
        ('name = "smollm2-135m-q4_1"', 'name = "smolm2"', r"unknown model 'smolm2': did you mean"),
        ('profile = "device"', 'profile = "devise"', r"\[economics\]: .*'devise': did you mean 'device'\?"),
        ('head = "q8_0"', 'heads = "q8_0"', r"unknown tensor class 'heads': did you mean 'head'\?"),
        ('ttft = "12 s"', 'ttft = true', r"\[slo\] ttft = True"),
        ("points = 4000000", "points = 0", r"\[search\] points = 0"),
        ("volume = 1000000", "volume = 5\nfigures = { wacc = 0 }", r"\[economics.figures\] wacc = 0.0 must be above 0"),
        ("volume = 1000000", "volume = 5\nfigures = { opex_fraction = -1 }", r"opex_fraction = -1.0 must be at least"),
        ("volume = 1000000", "volume = inf", r"\[economics\] volume = inf: Input should be a finite number"),
        ("[slo]", "[slo", r"not TOML"),
        ('name = "edge-smollm2"', 'name = "../evil"', r"name = '../evil': String should match pattern"),
        ('name = "edge-smollm2"', 'name = ""', r"name = '': String should match pattern"),
        ('power = "2 W"', "power = [2]", r"\[budget\] power = \[2\]: \[2\] is not a quantity"),
        ('die = "30 mm2"', 'die = "1e9 mm2"', r"die = 1e\+09 mm2 is more than a reticle has, 858 mm2"),
        ("rows = [2, 4, 8, 16, 32, 64]", "rows = [2.5]", r"rows = 2.5 must be a whole number"),
        ('memory = ["lpddr4x", ', 'memory = ["sram", ', r"memory: 'sram' is none beside the die"),
        (
            'weights = ["q4_1"]', 'weights = ["q4_1", "int4-g128"]',
            r"'int4-g128' would round the real weights of smollm2-135m-q4_1, which are q4_1, once more \(try",
        ),
        ('[compare]', '[compare]\ncache = ["fp9"]', r"\[compare\] cache: unknown number format 'fp9'"),
        ('[compare]', '[variants]\nweights = ["int4-g32-2:4"]\n[compare]', r"weights: 'int4-g32-2:4' keeps two"),
        ('rows = [2, 4, 8, 16, 32, 64]', 'rowz = [2]', r"unknown search variable 'rowz': did you mean 'rows'\?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(old, new, message):
    assert old in TEXT
    with pytest.raises(InputError, match=message):
        problem(study.loads(TEXT.replace(old, new, 1), "mine.toml"))


@pytest.mark.parametrize(("asked", "said"), [
    ({"points": 10**20}, "points = 100000000000000000000 must be between 1 and 1,000,000,000,000"),
    ({"points": 0}, "points = 0 must be between 1"), ({"seed": -1}, "seed = -1 must be between 0"),
])  # fmt: skip
def test_numbers_of_a_run_are_bounded(asked, said):
    with pytest.raises(InputError, match=said):
        study.find_study("edge-smollm2").with_points(**asked)


def test_unknown_study_names_the_closest():
    with pytest.raises(InputError, match=r"unknown study 'edge-smolm2': did you mean 'edge-smollm2'\?"):
        study.find_study("edge-smolm2")


def test_a_study_in_a_file_of_another_kind_is_said(tmp_path):
    (tmp_path / "mine.txt").write_text(TEXT)
    with pytest.raises(InputError, match=r"mine.txt: a study is a TOML file .its name must end in .toml"):
        study.find_study(str(tmp_path / "mine.txt"))


def test_a_missing_file_is_one_message():
    with pytest.raises(InputError, match=r"nowhere.toml: cannot be read"):
        study.find_study("nowhere.toml")


def test_traffic_longer_than_the_model_holds_is_refused():
    text = TEXT.replace('profile = "chat"', 'profile = "long-context"', 1)
    with pytest.raises(InputError, match=r"reaches \d+ tokens, but smollm2-135m-q4_1 holds 8192"):
        problem(study.loads(text, "mine.toml"))


def test_equal_content_has_equal_keys():
    found = study.find_study("edge-smollm2")
    assert found.key() == study.loads(TEXT, "x").key() != found.with_points(5).key()


def test_other_traffic_is_another_study_and_its_content_counts(tmp_path):
    trace = tmp_path / "recorded.jsonl"
    line = '{"timestamp": %d, "input_length": 10, "output_length": 2}\n'
    trace.write_text(line % 0)
    base = study.find_study("edge-smollm2")
    asked = base.under(str(trace))
    assert asked.traffic.profile == str(trace) and base.under(None) == base
    before = asked.key()
    assert before == asked.key() != base.key()
    trace.write_text(line % 0 + line % 1000)  # more was recorded: what was found before is no answer to it
    assert asked.key() != before


def test_damaged_studies_never_give_a_traceback():
    rng = random.Random(1)
    for _ in range(1_500):
        at, length = rng.randrange(len(TEXT)), rng.randrange(1, 30)
        text = TEXT[:at] + "".join(rng.choices('[]{}="\n -1e9.xé', k=rng.randrange(6))) + TEXT[at + length :]
        try:
            problem(study.loads(text, "mine.toml"))
        except SartorError as error:
            assert str(error)
