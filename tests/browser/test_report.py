"""The report of the main job as a browser shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from console import errors, watched_page
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.slow

DRAWN = "document.querySelectorAll('.plot[data-drawn]').length === document.querySelectorAll('.plot').length"
SECTIONS = ("asked", "data", "predictors", "importance", "modules", "reduced", "built", "fronts", "methods", "cost")


@pytest.fixture(scope="module")
def report(finished: tuple[Path, str]) -> Path:
    (found,) = finished[0].glob("data/08_reporting/report.html/*/report.html")
    return found


def draw(page: Page, report: Path) -> Page:
    """The page with the report, once all of its figures are drawn, which takes longer than to look at them."""
    page.goto(report.as_uri())
    page.wait_for_function(DRAWN)
    return page


@pytest.fixture(scope="module")
def shared(browser: Browser, report: Path) -> Iterator[Page]:
    """A page for the tests that need no fresh one; each says which colours it wants and leaves no other change."""
    with watched_page(browser) as page:
        yield draw(page, report)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_section_and_figure_is_there_without_an_error(
    shared: Page, page: Page, report: Path, screenshots: Path, theme: str
) -> None:
    if theme == "light":
        page = shared
        page.emulate_media(color_scheme="light")
    else:
        page.emulate_media(color_scheme="dark")
        draw(page, report)
    for space in ("ofa_mbv3", "ofa_pn"):
        for key in SECTIONS:
            expect(page.locator(f"#{space}-{key} h3")).to_be_visible()
        for figure in ("label_statistics", "spearman", "predictions", "module_scores", "pareto_cpu", "hypervolume"):
            expect(page.locator(f"#{space}-{figure}_figure .main-svg").first).to_be_visible()
            assert page.locator(f"#{space}-{figure}_figure").get_attribute("data-drawn") == theme
        expect(page.locator(f"#{space} .facts")).to_contain_text("400")
        expect(page.locator(f"#{space}-methods table").first).to_contain_text("AutoBuild-NAS")
    expect(page.locator("#run-origin")).to_contain_text("kedro run --env=small")
    page.screenshot(path=screenshots / f"report_{theme}.png", full_page=True)
    assert errors(page) == []


@pytest.mark.parametrize(("theme", "asked"), [("light", {}), ("dark", {"runOnly": ["cat.color"]})])
def test_it_breaks_no_serious_rule_of_wcag(shared: Page, theme: str, asked: dict[str, object]) -> None:
    # Themes differ in colours alone.
    shared.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    expect(shared.locator(".plot").last).to_have_attribute("data-drawn", theme)
    shared.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    found = Axe().run(shared, options={"resultTypes": ["violations"], **asked}).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []


def test_the_button_changes_page_and_figures_and_back(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    figure = page.locator("#ofa_mbv3-spearman_figure")
    figure.scroll_into_view_if_needed()
    expect(figure).to_have_attribute("data-drawn", "light")
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(paper)
    page.get_by_role("button", name="Dark theme").click()
    expect(figure).to_have_attribute("data-drawn", "dark")
    assert page.evaluate(paper) != before
    page.get_by_role("button", name="Light theme").click()
    expect(figure).to_have_attribute("data-drawn", "light")
    assert page.evaluate(paper) == before


def test_the_keyboard_reaches_the_report_and_the_button_first(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the report")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Dark theme")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_figures_list_can_be_used_without_a_mouse(shared: Page) -> None:
    choice = shared.locator("#ofa_mbv3-module_scores_figure").get_by_label("Shown")
    trace = "document.querySelector('#ofa_mbv3-module_scores_figure .canvas').data.map((one) => one.visible)"
    before = shared.evaluate(trace)
    choice.focus()
    shared.keyboard.press("ArrowDown")
    assert shared.evaluate(trace) != before


def test_every_figure_has_a_text_alternative(shared: Page) -> None:
    texts = shared.locator(".canvas").evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")
    assert texts
    assert all(len(text) > 40 for text in texts)
    assert shared.locator(".drawing svg:not([aria-label])").count() == 0


def test_it_works_in_a_sandboxed_frame_as_mlflow_shows_it(page: Page, report: Path, tmp_path: Path) -> None:
    holder = tmp_path / "holder.html"
    holder.write_text("<!doctype html><title>holder</title>")
    page.goto(holder.as_uri())
    page.evaluate(
        """html => {
            const frame = document.createElement("iframe");
            frame.sandbox = "allow-scripts";
            frame.style = "width: 1200px; height: 800px";
            frame.src = URL.createObjectURL(new Blob([html], {type: "text/html"}));
            document.body.append(frame);
        }""",
        report.read_text(encoding="utf-8"),
    )
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Pareto fronts").first.click()
    expect(frame.locator("#ofa_mbv3-fronts h3")).to_be_in_viewport()
    expect(frame.locator("#ofa_mbv3-pareto_cpu_figure .main-svg").first).to_be_visible()
    assert errors(page) == []


def test_on_paper_it_is_light_without_navigation_and_nothing_is_wider_or_taller_than_a_page(
    page: Page, report: Path, screenshots: Path
) -> None:
    opened = draw(page, report)
    opened.emulate_media(color_scheme="dark")
    expect(opened.locator(".plot").last).to_have_attribute("data-drawn", "dark")
    opened.emulate_media(color_scheme="dark", media="print")
    opened.set_viewport_size({"width": 703, "height": 1016})  # A4 within its margins
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert (
        opened.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper')").strip() == "#ffffff"
    )
    assert set(opened.locator(".plot").evaluate_all("all => all.map((one) => one.dataset.drawn)")) == {"light"}
    expect(opened.get_by_role("navigation")).to_be_hidden()
    expect(opened.get_by_role("button")).to_have_count(0)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 703
    heights = opened.locator(".plot").evaluate_all("all => all.map((one) => one.getBoundingClientRect().height)")
    assert max(heights) <= 1016
    opened.pdf(path=screenshots / "report.pdf", format="A4", print_background=True)


def test_it_is_small(report: Path) -> None:
    assert report.stat().st_size < 6_000_000
