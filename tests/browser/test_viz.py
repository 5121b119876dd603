"""kedro-viz on a finished run: layers, spaces that unfold into steps, previews of tables and figures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from console import errors
from playwright.sync_api import Page, expect

from project_copy import tables
from servers import fetch, serving

pytestmark = pytest.mark.slow

LAYERS = ["raw", "intermediate", "feature", "primary", "models", "model_output", "reporting"]
STEPS = {
    *("ingest", "graphs", "label_statistics", "predictors", "scoring", "insight", "building", "search"),
    *("evaluation", "reporting"),
}
ALLOWED = ("fonts.googleapis.com",)
"""What kedro-viz asks of other hosts, and does without: the font of its page."""


@pytest.fixture(scope="module")
def viz(finished: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of kedro-viz on the finished run."""
    project = tmp_path_factory.mktemp("viz") / "project"
    shutil.copytree(finished[0], project)
    with serving(project, "viz", "run", "--no-browser") as address:
        yield address


@pytest.fixture
def opened(page: Page, viz: str) -> Page:
    """The lineage, without the hints that kedro-viz shows to whom it has not seen before."""
    page.add_init_script(
        "localStorage.getItem('KedroViz') || "
        "localStorage.setItem('KedroViz', JSON.stringify({showFeatureHints: false}))"
    )
    page.goto(viz)
    page.locator(".pipeline-node").first.wait_for()
    return page


def unfold(page: Page, name: str) -> None:
    page.get_by_role("treeitem", name=name).first.locator("svg").first.click()


def choose(page: Page, dataset: str) -> None:
    """Search a dataset and show what is known of it."""
    page.get_by_placeholder("Search").fill(dataset)
    page.get_by_role("treeitem", name=dataset).last.click()
    expect(page.locator(".pipeline-metadata__title")).to_have_text(dataset)


def test_every_pipeline_has_its_datasets_in_kedros_layers(viz: str) -> None:
    for pipeline in json.loads(fetch(f"{viz}api/main"))["pipelines"]:
        shown = json.loads(fetch(f"{viz}api/pipelines/{pipeline['id']}"))
        without = [node["name"] for node in shown["nodes"] if node["type"] == "data" and not node["layer"]]
        assert without == [], pipeline["id"]
        assert shown["layers"], f"{pipeline['id']}: a layer leads back to an earlier one"


def test_a_space_unfolds_into_its_steps_and_a_step_into_its_nodes(opened: Page, screenshots: Path) -> None:
    flowchart = opened.locator(".pipeline-flowchart__graph")
    expect(flowchart.get_by_text("ofa_pn", exact=True)).to_be_visible()
    opened.screenshot(path=screenshots / "viz_spaces.png")
    unfold(opened, "ofa_mbv3")
    for step in STEPS:
        expect(flowchart.get_by_text(f"ofa_mbv3.{step}", exact=True).first).to_be_visible()
    expect(opened.locator(".pipeline-layer-name")).to_have_text(LAYERS)
    opened.screenshot(path=screenshots / "viz_steps.png")
    unfold(opened, "ofa_mbv3.search")
    expect(flowchart.get_by_text("search_architectures", exact=True)).to_be_visible()
    opened.screenshot(path=screenshots / "viz_nodes.png")
    assert errors(opened, ALLOWED) == []


def test_a_table_is_previewed_with_its_newest_rows(opened: Page, finished: tuple[Path, str], screenshots: Path) -> None:
    choose(opened, "ofa_mbv3.comparison")
    opened.get_by_role("button", name="Expand preview").click()
    rows = opened.locator(".preview-table").last.locator("tr")
    comparison = tables(finished[0], "ofa_mbv3")["comparison"]
    assert rows.first.locator("th").all_inner_texts() == list(comparison.columns)
    expect(rows).to_have_count(1 + min(10, len(comparison)))
    assert rows.nth(1).locator("td").all_inner_texts()[:2] == ["cpu", comparison["variant"].iloc[0]]
    opened.screenshot(path=screenshots / "viz_table.png")
    assert errors(opened, ALLOWED) == []


def test_a_figure_is_previewed_as_it_is_in_the_report(opened: Page, screenshots: Path) -> None:
    choose(opened, "ofa_mbv3.pareto_cpu_figure")
    expect(opened.locator(".pipeline-metadata .main-svg").first).to_be_visible()
    opened.get_by_role("button", name="Expand preview").click()
    large = opened.locator(".js-plotly-plot").last
    expect(large.locator(".gtitle")).to_contain_text("surrogate")
    expect(large.locator(".legendtext").filter(has_text="AutoBuild-Guided")).to_be_visible()
    opened.screenshot(path=screenshots / "viz_figure.png")
    assert errors(opened, ALLOWED) == []
