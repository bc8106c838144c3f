"""The page in a real browser: drawn, clickable, in two languages, without a network."""

from __future__ import annotations

import json
import shutil

import pytest

from sartor.report.html import page
from sartor.report.numbers import KINDS, figure
from sartor.report.specs import AXES
from sartor.report.trusted import trusted

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGS = [
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    sync = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if CHROMIUM is None:
        pytest.skip("apt-get install chromium")
    with sync.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser, report, tmp_path):
    """`open(width, javascript)`: the page, with what it asked for and complained about in `asked`."""
    path = tmp_path / "report.html"
    contexts, asked = [], []

    def open_page(width=1280, javascript=True):
        path.write_text(page(report), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=javascript, locale="en"
        )
        contexts.append(context)
        tab = context.new_page()
        tab.asked = asked
        tab.on("console", lambda m: asked.append(m.text))
        tab.on("pageerror", lambda e: asked.append(str(e)))

        def gate(route):
            if route.request.url == path.as_uri():
                route.continue_()
            else:
                asked.append(route.request.url)
                route.abort()

        context.route("**/*", gate)
        tab.goto(path.as_uri())
        if javascript:
            tab.wait_for_selector("body.drawn", timeout=30_000)
        return tab

    yield open_page
    for context in contexts:
        context.close()


def test_plots_are_drawn_without_a_network_or_a_complaint(opened, report):
    tab = opened()
    rivals = [s for s in report["comparison"][1:] if s["usd_per_mtoken"]["cost"] is not None]
    drawn = tab.locator("#plot-pareto svg .mark-symbol.role-mark path").count()
    assert drawn == len(report["front"]) + len(rivals) + 1  # and the chosen one
    assert tab.locator("#plot-roofline svg .mark-symbol.role-mark path").count() == len(
        report["roofline"]["points"]
    )
    assert tab.asked == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out(opened, width):
    tab = opened(width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("language", ["en", "ko"])
def test_errors_at_a_glance_fit_a_telephone(opened, report, language):
    report["trust"] = trusted()
    tab = opened(390)
    tab.check(f"#in-{language}", force=True)
    box = tab.locator("div.scroll:has(> table.glance)")
    assert box.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert tab.locator("table.glance tbody tr:visible").count() > 20


def test_picking_an_axis_changes_the_plot(opened):
    tab = opened()
    before = tab.inner_html("#plot-pareto svg")
    tab.select_option("#axis-x", "ttft_s")
    tab.wait_for_function("document.querySelector('#plot-pareto svg').textContent.includes('TTFT')")
    assert tab.inner_html("#plot-pareto svg") != before
    tab.select_option("#axis-color", "tokens_per_s")
    tab.uncheck("#with-rivals")
    tab.wait_for_function("!document.querySelector('#plot-pareto svg').textContent.includes('l4')")
    assert tab.asked == []


def test_clicking_a_design_shows_its_chip(opened, report):
    tab = opened()
    tab.uncheck("#with-rivals")
    tab.wait_for_function("!document.querySelector('#plot-pareto svg').textContent.includes('l4')")
    index = max(range(len(report["front"])), key=lambda i: report["front"][i]["usd_per_mtoken"])
    tab.locator("#plot-pareto svg .layer_1_marks path, #plot-pareto svg .mark-symbol.role-mark path").nth(
        index
    ).click(force=True)
    tab.wait_for_selector("#design-panel tr.differs")
    row = report["front"][index]
    for name in AXES:
        assert tab.inner_text(f"#design-panel [data-of={name}]") == figure(name, row[name])
    assert tab.inner_text("#design-panel [data-of=node]") == row["design"]["node"]


def test_javascript_writes_numbers_as_python_does(opened):
    tab = opened()
    values = [
        x * s for x in (1.0, 1.6037, 9.994, 12.5, 99.95, 999.6) for s in (1e-7, 1e-3, 0.02, 1.0, 700.0, 1e3)
    ]
    for name in AXES:
        unit = {"usd": "$"}.get(KINDS[name], KINDS[name])
        theirs = tab.evaluate(f"{json.dumps(values)}.map((v) => figure(v, {json.dumps(unit)}))")
        assert theirs == [figure(name, v) for v in values], name


def test_a_printed_page_holds_its_tables_and_plots(opened):
    tab = opened(1280)
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 718, "height": 1000})  # A4 less its margins, at 96 dots an inch
    assert tab.evaluate("document.documentElement.scrollWidth") <= 718


def test_names_in_the_plot_are_read_on_a_dark_screen(opened):
    tab = opened()
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function("document.querySelector('#plot-pareto svg').outerHTML.includes('#f48fb1')")
    assert tab.asked == []


def test_korean(opened):
    tab = opened()
    assert tab.locator("h1").inner_text() == "SmolLM2-135M-Instruct in the palm of a hand"
    tab.check("#in-ko", force=True)
    assert tab.locator("h1").inner_text() == "손바닥 위의 SmolLM2-135M-Instruct"
    tab.wait_for_function("document.querySelector('#plot-pareto svg').textContent.includes('출력 토큰')")
    assert tab.evaluate("document.documentElement.lang") == "ko"


def test_tables_sort_and_assumptions_filter(opened, report):
    tab = opened()
    column = tab.locator("#comparison table.sortable th button").nth(4)
    column.click()
    joules = tab.eval_on_selector_all(
        "#comparison table.sortable tbody tr",
        "rows => rows.map((r) => Number(r.cells[4].querySelector('data').value))",
    )
    assert joules == sorted(s["j_per_token"] for s in report["comparison"])
    tab.click("#assumptions summary")  # folded at first
    tab.fill("#filter", "assumed")
    shown = tab.locator("#facts tbody tr:visible").count()
    assert 0 < shown < len(report["assumptions"])


def test_without_javascript_it_reads(opened, report):
    tab = opened(javascript=False)
    text = tab.inner_text("main")
    assert "This plot needs JavaScript" in text and report["headline"]["best_rival"]["name"] in text
    assert tab.locator("svg.floorplan rect").count() == len(report["floorplan"]["rects"])
    tab.check("#in-ko", force=True)
    assert "손바닥" in tab.locator("h1").inner_text()
