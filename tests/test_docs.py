"""The documents say what the code says: generated pages are current, names and links hold, examples run."""

import csv
import io
import itertools
import json
import re
import shlex
import subprocess
import tomllib

import pytest
from typer.main import get_command

from sartor import api
from sartor.api.listing import KINDS
from sartor.chip import presets, toml
from sartor.cli import app
from sartor.families import FAMILIES
from sartor.search import study
from sartor.search.space import VARIABLES
from sartor.tables import data_text, table
from tests.pages import BLOCK, CHIP, DOCS, PAGES, PAIRS, ROOT, STUDY, TRACE, blocks, prose, script, text

# Generated pages


PAGES_MADE = ["README.md", "README.ko.md", *(f"docs/{name}" for name in (
    "cli.md", "study.md", "study.schema.json", "cluster.md", "sources.md", "hardware.md", "trust.md", "quality.md",
    "formats.md", "validation.md")), "sartor/data/measured/trust.json"]  # fmt: skip


@pytest.fixture(scope="module")
def made():
    """Every generated page by its path, made once."""
    return script("generate").pages()


@pytest.mark.parametrize("page", PAGES_MADE)
def test_generated_pages_are_current(made, page):
    assert text(page) == made[ROOT / page], "run: python docs/generate.py"
    assert len(made) == len(PAGES_MADE)


def test_the_errors_on_top_of_the_trust_page_are_those_on_record():
    """Read as a reader does, column by column."""
    errors = csv.DictReader(io.StringIO(data_text("measured/errors.csv")))
    record = {(row["kind"], row["rows"], row["group"]): row for row in errors}
    glance = script("trust_glance")
    head, _, *lines = ([cell.strip(" *") for cell in line.strip("|").split("|")] for line in glance.table())
    assert head == ["asked", "judged on", "n", "median", "90th percentile"] and len(lines) == len(glance.ASKED) > 20
    for (*_, key), (_, _, n, median, p90) in zip(glance.ASKED, lines, strict=True):
        row = record[key]
        assert int(n.replace(",", "")) == int(row["n"]), key
        assert float(median.rstrip(" %")) == pytest.approx(100 * float(row["median"]), abs=0.051), key
        assert float(p90.rstrip(" %")) == pytest.approx(100 * float(row["p90"]), abs=0.051), key


def test_the_errors_of_the_readme_are_some_of_those_on_the_trust_page():
    glance = script("trust_glance")
    all_lines, lines = (list(glance.table(names)) for names in (None, glance.FIRST))
    assert len(lines) == len(glance.FIRST) + 2 and set(lines) < set(all_lines)
    for above, line in itertools.pairwise(lines):
        if "| the same |" in line:  # as what stands above it there, too
            there = all_lines[all_lines.index(line) - 1]
            assert there == above or "| the same |" in there


def test_the_picture_of_errors_is_of_those_on_record(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    plots = script("trust_plots")
    for name, made in (("trust", plots.glance()), ("trust-serving", plots.serving())):
        drawn = text(f"docs/pictures/{name}.svg")
        for value in made["data"]["values"]:
            for said in (value["what"], value["label"]):
                assert f">{said}<" in drawn, f"{name}: run python docs/trust_plots.py"


def test_what_is_not_covered_is_said_in_korean_too():
    korean = tomllib.loads(text("docs/trust.ko.toml"))
    english = tomllib.loads(text("docs/trust.toml"))["missing"]
    english |= {"glance": [said for what, judged, _ in script("trust_glance").ASKED for said in (what, judged)]}
    lacking = [what for kind, texts in english.items() for what in texts if what not in korean.get(kind, {})]
    stale = [what for kind, texts in korean.items() for what in texts if what not in english[kind]]
    assert (lacking, stale) == ([], []), "docs/trust.ko.toml: translate the first, take out the second"


@pytest.mark.slow
def test_the_picture_and_the_cards_are_those_of_a_run():
    # Another processor rounds single precision otherwise: figures agree to a hundredth, not bytes.
    report = script("pictures").api.design("edge-smollm2").report
    head = report["headline"]
    for name in ("README.md", "README.ko.md"):
        card = re.search(r"<!-- card -->(.*?)<!-- /card -->", text(name), re.S)[1]
        usd, millijoules = re.search(r"\$([\d.]+)", card)[1], re.search(r"([\d.]+) mJ", card)[1]
        again = f"{name}: run python docs/pictures.py"
        assert float(usd) == pytest.approx(head["usd_per_mtoken"], rel=0.01), again
        assert float(millijoules) == pytest.approx(head["j_per_token"] * 1e3, rel=0.01), again
    for line in script("pictures")._label(report).splitlines():
        assert line in text("docs/pictures/edge-smollm2.svg"), "run python docs/pictures.py"


def test_schema_takes_the_studies_and_refuses_what_is_unknown():
    schema = json.loads(text("docs/study.schema.json"))
    assert set(schema["properties"]) == set(study.Study.model_fields)
    assert schema["additionalProperties"] is False
    assert set(schema["$defs"]["SearchPart"]["properties"]["space"]["properties"]) == set(VARIABLES)
    power = schema["$defs"]["BudgetPart"]["properties"]["power"]["anyOf"][0]["anyOf"]
    assert {"type": "string"} in power  # "2 W", not only a number


# Names


def test_every_verb_and_option_is_in_the_reference():
    reference = text("docs/cli.md")
    for name, verb in get_command(app).commands.items():
        section = reference.split(f"## sartor {name}\n")[1].split("\n## ")[0]
        for parameter in verb.params:
            assert all(f"`{option}`" in section for option in parameter.opts if option.startswith("-"))
            assert parameter.help in section


def words(lines):
    """Of those that call `sartor`, what stands behind it; comments and what follows in a pipe left out."""
    found = (re.split(r" #|[|>&;]", line)[0] for line in lines)
    return [shlex.split(line)[1:] for line in found if re.match(r"(\.venv/bin/)?sartor [a-z]", line)]


@pytest.mark.parametrize("page", [str(p.relative_to(ROOT)) for p in PAGES if "decisions" not in p.parts])
def test_commands_of_every_page_can_be_asked(page):
    """Commands in blocks with all they need, those named in the text with options that there are; nothing is run."""
    verbs = get_command(app).commands
    for verb, *rest in words(line for info, body in blocks(page) if info[:2] == "sh" for line in body.splitlines()):
        verbs[verb].make_context(verb, rest)
    for verb, *rest in words(re.findall(r"`([^`\n]+)`", prose(page))):
        known = {name for p in verbs[verb].params for name in (*p.opts, *p.secondary_opts)}
        assert {word for word in rest if word.startswith("--")} <= known, f"{verb} {rest}"


def test_every_verb_and_list_is_on_the_start_page():
    commands = "\n".join(body for info, body in blocks("docs/start.md") if info.startswith("sh"))
    assert all(f"sartor {name}" in commands for name in get_command(app).commands)
    assert all(f"sartor list {kind}" in commands for kind in KINDS)
    assert all(f"sartor list {kind}" in text("docs/start.ko.md") for kind in KINDS)


def test_every_study_key_is_in_the_reference():
    reference = text("docs/study.md")
    names = [*study.Study.model_fields, *VARIABLES, *table("economics").quantities]
    parts = (study.ModelPart, study.TrafficPart, study.SloPart, study.QualityPart, study.BudgetPart)
    parts += (study.EconomicsPart, study.SearchPart, study.ComparePart, study.OtherPart)
    names += [key for part in parts for key in part.model_fields]
    missing = [name for name in names if f"`{name}`" not in reference and f"[{name}]" not in reference]
    assert not missing
    assert all(field.description for part in parts for field in part.model_fields.values())


def test_every_fact_that_an_owner_meets_has_a_word_in_reports():
    """Those of who pays, of nodes, memories and packages; of our own cells and overheads as far as they are plain."""
    asked = {name for one in ("economics", "nodes", "memories", "packages") for name in table(one).quantities}
    lacking = asked - set(tomllib.loads(text("sartor/report/words_facts.toml"))["fact"])
    assert lacking <= {"test"}, "sartor/report/words_facts.toml: say what they are, in both languages"


# Words that the glossary rules out for one thing, and that mean another elsewhere.
ELSEWHERE = {"array", "block", "buffer", "generation", "kernel", "node", "parameter", "past", "precision", "reference",
             "sample", "slot", "stage", "stall"}  # fmt: skip


def test_the_glossary_rules_out_what_nobody_writes():
    rows = [line.strip("|").split("|") for line in text("docs/glossary.md").splitlines() if line.count("|") == 5]
    ruled = {re.sub(r"\(.*?\)", "", word).strip() for *_, words in rows for word in words.split(",")}
    ruled = {word for word in ruled if " for " not in word} - {"", "not", "---", *ELSEWHERE}
    assert len(ruled) > 30
    pages = [p for p in PAGES if p.name not in ("glossary.md", "README.ko.md", "start.ko.md", "sources.md", "study.md")]
    said = {page.name: re.sub(r"`[^`]*`|\]\([^)]*\)", "", prose(page.relative_to(ROOT))) for page in pages}
    words = tomllib.loads(text("sartor/report/words.toml"))
    said["words.toml"] = "\n".join(entry["en"] for part in words.values() for entry in part.values())
    written = re.compile(rf"\b(?:{'|'.join(ruled)})s?\b")
    found = {(hit, page) for page, body in said.items() for hit in written.findall(body)}
    assert found == set()


def test_every_family_and_study_is_named():
    assert all(f"`{family}`" in text("docs/model.md") for family in FAMILIES)
    assert all(name in text("CHANGELOG.md") for name in study.names())


def test_counts_in_the_prose_are_those_of_the_tables():
    facts = table("gpu").facts.values()
    assumed = sum(fact.kind == "assumed" for fact in facts)
    assert f"{assumed} of the {len(facts)} facts of `gpu.csv`" in " ".join(text("README.md").split())
    changes = text("CHANGELOG.md")
    assert f"{len(presets.names())} chips that exist" in changes
    assert f"{len(api.listing('models'))} models" in changes
    assert f"{len(api.listing('formats'))} formats" in changes
    assert f"{len(list((DOCS / 'decisions').glob('0*.md')))} [decisions]" in changes


def test_a_change_is_one_short_line_said_once():
    entries = re.split(r"\n(?=- |#|\n)", text("CHANGELOG.md"))
    entries = [entry.strip() for entry in entries if entry.strip() and not entry.strip().startswith("###")]
    assert len(set(entries)) == len(entries)
    assert not [entry for entry in entries if len(entry) > 360], "CHANGELOG.md: numbers belong on the trust page"
    lines = sorted(line.strip() for line in text("CHANGELOG.md").splitlines() if len(line) > 20)
    twice = [b for a, b in itertools.pairwise(lines) if b[:24] == a[:24] and not a.startswith("-")]
    assert not twice, "CHANGELOG.md: a line that a merge left twice"


# Two languages


@pytest.mark.parametrize(("english", "korean"), PAIRS)
def test_both_languages_say_the_same(english, korean):
    def headings(name):
        return [len(mark) for mark in re.findall(r"^(#+) ", prose(name), re.MULTILINE)]

    def numbers(name):
        """Of the prose; powers of ten in words are left out: Korean counts in units of ten thousand."""
        plain = re.sub(r"\]\([^)]*\)|`[^`]*`", "", prose(name))
        words = r"4 million|400만|10 s|10초|one core|2026년 11월|November 2026"
        return sorted(re.findall(r"\d+(?:\.\d+)?", re.sub(words, "", plain)))

    assert headings(english) == headings(korean)
    assert [info for info, _ in blocks(english)] == [info for info, _ in blocks(korean)]
    assert numbers(english) == numbers(korean)
    for (info, a), (_, b) in zip(blocks(english), blocks(korean), strict=True):
        if info.startswith("sh") or info in ("python", TRACE):
            assert a == b
        if info == CHIP:
            assert toml.loads(a) == toml.loads(b)
        if info == STUDY:
            kept = {"title_ko": ""}
            assert study.loads(a, "a") == study.loads(b, "b").model_copy(update=kept)


# Links and hygiene


def anchors(page):
    heads = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_relative_links_resolve(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_that_are_named_exist(page):
    named = re.findall(r"`((?:sartor|tests|docs|examples|benchmarks)/[\w./-]+)`", page.read_text(encoding="utf-8"))
    missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
    assert not missing


def test_no_machine_and_no_registry_is_named():
    """Nobody else has this machine: its paths, and the mirrors it installs from, help no reader."""
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        pytest.skip("not a git checkout")
    # Put together here, so that this file passes its own test.
    words = ["/wor" + "k/", "/ro" + "ot/", "/opt" + "/", "/home" + r"/\w", "index" + "-url", "/simp" + "le/"]
    banned = re.compile("|".join([*words, r"pypi\.\w+\.(?:com|org|net)"]))
    bad = []
    for name in filter(None, found.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and (hit := banned.search(path.read_text(encoding="utf-8", errors="replace"))):
            bad.append(f"{name}: {hit[0]}")
    assert not bad
