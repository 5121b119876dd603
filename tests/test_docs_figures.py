"""The list of the paper's figures names what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from kedro.framework.hooks.manager import _NullPluginManager
from kedro.framework.project import configure_project, pipelines
from kedro.io import CatalogProtocol

from autobuild_pipelines.config import LayeredConfigLoader
from autobuild_pipelines.context import SpacesContext
from autobuild_pipelines.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).resolve().parents[1]
LIST = PROJECT / "docs" / "figures.md"
COMMAND = re.compile(r"`kedro run(?: --pipeline=(\w+))?`")
DATASET = re.compile(r"`(\{space\}\.[\w{}]+|report)`")


def rows() -> Iterator[tuple[str, str]]:
    """Every pipeline with every dataset that the list says it makes."""
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line.startswith("|") and (command := COMMAND.search(line)):
            for dataset in DATASET.findall(line):
                yield command[1] or "autobuild_nas", dataset


@pytest.fixture(scope="module")
def catalog() -> CatalogProtocol[object, object]:
    configure_project("autobuild_pipelines")
    context = SpacesContext(
        package_name="autobuild_pipelines",
        project_path=PROJECT,
        config_loader=LayeredConfigLoader(PROJECT / "conf", **CONFIG_LOADER_ARGS),
        env=None,
        hook_manager=_NullPluginManager(),
    )
    return context.catalog


def test_every_figure_and_table_of_the_supplementary_is_listed() -> None:
    text = LIST.read_text(encoding="utf-8")
    listed: set[int] = set()
    for first, last in re.findall(r"Figs?\. (\d+)(?:[-,] ?(\d+))?", text):
        listed |= set(range(int(first), int(last or first) + 1))
    assert {2, 3, 5, *range(8, 19)} <= listed
    assert {"Table 2", "Table 3"} <= set(re.findall(r"Table \d", text))


@pytest.mark.parametrize(("pipeline", "dataset"), sorted(set(rows())))
def test_what_the_list_names_is_made_by_the_pipeline_that_it_names(
    catalog: CatalogProtocol[object, object], pipeline: str, dataset: str
) -> None:
    pattern = re.compile(re.escape(dataset).replace(r"\{space\}", r"\w+").replace(r"\{problem\}", r"\w+"))
    made = [name for name in pipelines[pipeline].all_outputs() if pattern.fullmatch(name)]
    assert made, f"docs/figures.md: no pipeline {pipeline} makes {dataset}"
    assert all("Memory" not in type(catalog.get(name)).__name__ for name in made)
