"""MLflow's interface on two finished runs: lists, a run's page, its metrics and files, and both side by side."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from console import errors
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from playwright.sync_api import Page, expect

from servers import serving

pytestmark = pytest.mark.slow

ALLOWED = ("/mlflow/users/current",)
"""What MLflow's interface asks its own server for in vain where there are no users."""
SEEN = {"mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true", "mlflow.assistant.panelOpen_v1": "false"}
"""What the browser of somebody remembers who has closed the panel that opens by itself on the first visit."""


@pytest.fixture(scope="module")
def runs(compared: Path) -> tuple[Run, Run]:
    """The main job, and one space trained and searched again from another seed."""
    client = MlflowClient(f"sqlite:///{compared}/mlflow.db")
    experiment = client.get_experiment_by_name("autobuild")
    assert experiment is not None
    first, second = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    return first, second


@pytest.fixture(scope="module")
def mlflow(compared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of MLflow's interface, as `make mlflow` starts it."""
    project = tmp_path_factory.mktemp("mlflow") / "project"
    shutil.copytree(compared, project)
    with serving(project, "mlflow", "ui") as address:
        yield address


@pytest.fixture
def visitor(page: Page) -> Page:
    page.set_default_timeout(60_000)
    remember = f"Object.entries({json.dumps(SEEN)}).forEach((entry) => localStorage.setItem(...entry))"
    page.add_init_script(f"if (window === top) {remember}")
    return page


def address_of(mlflow: str, run: Run) -> str:
    return f"{mlflow}#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"


def test_runs_are_found_by_name_and_compared(
    visitor: Page, mlflow: str, runs: tuple[Run, Run], screenshots: Path
) -> None:
    visitor.goto(mlflow)
    visitor.get_by_text("Model training", exact=True).click()
    visitor.get_by_text("Experiments", exact=True).first.click()
    visitor.get_by_role("link", name="autobuild", exact=True).first.click()
    for run in runs:
        expect(visitor.get_by_role("link", name=run.info.run_name, exact=True).first).to_be_visible()
    visitor.screenshot(path=screenshots / "mlflow_runs.png")
    visitor.get_by_role("checkbox").first.click(force=True)
    visitor.get_by_role("button", name="Compare").click()
    visitor.get_by_text("Show diff only").first.click()
    expect(visitor.get_by_text("ofa_pn.seed").first).to_be_visible()
    visitor.screenshot(path=screenshots / "mlflow_compare.png", full_page=True)
    assert errors(visitor, ALLOWED) == []


def test_a_run_says_what_it_was_about_and_what_it_found(
    visitor: Page, mlflow: str, runs: tuple[Run, Run], screenshots: Path
) -> None:
    run = runs[0]
    visitor.goto(address_of(mlflow, run))
    expect(visitor.get_by_role("heading", name="autobuild_nas ofa_mbv3+ofa_pn (small)")).to_be_visible()
    shown = visitor.locator("main")
    for space in ("ofa_mbv3", "ofa_pn"):
        best = run.data.metrics[f"headline/{space}/cpu.best_hypervolume"]
        expect(shown).to_contain_text(f"{space} (surrogate labels): cpu hypervolume {best:.2f}")
    for tag in ("label_kind", "targets", "spaces", "save_version"):
        expect(shown).to_contain_text(f"{tag}: {run.data.tags[tag]}")
    visitor.screenshot(path=screenshots / "mlflow_run.png")
    visitor.get_by_text("Model metrics", exact=True).click()
    for group in ("headline/ofa_mbv3", "headline/ofa_pn"):
        expect(shown).to_contain_text(group)
    visitor.get_by_placeholder("Search metric charts").fill("training/loss")
    expect(shown).not_to_contain_text("headline")
    expect(shown).to_contain_text("ofa_pn/training/loss")
    expect(visitor.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    visitor.screenshot(path=screenshots / "mlflow_metrics.png")
    assert errors(visitor, ALLOWED) == []


@pytest.mark.parametrize(
    ("file", "figure"), [("report.html", "#ofa_pn-pareto_cpu_figure"), ("figures/ofa_pn.html", "#pareto_cpu_figure")]
)
def test_pages_of_a_run_are_shown_with_their_figures(
    visitor: Page, mlflow: str, runs: tuple[Run, Run], screenshots: Path, file: str, figure: str
) -> None:
    visitor.goto(f"{address_of(mlflow, runs[0])}/artifacts/{file}")
    assert visitor.locator("iframe").first.get_attribute("sandbox") == "allow-scripts"
    drawn = visitor.frame_locator("iframe").first.locator(figure)
    drawn.scroll_into_view_if_needed()
    expect(drawn.locator(".main-svg").first).to_be_visible()
    expect(drawn).to_contain_text("AutoBuild-Guided")
    visitor.screenshot(path=screenshots / f"mlflow_{Path(file).stem}.png")
    assert errors(visitor, ALLOWED) == []
