"""What a report is told of its run."""

from __future__ import annotations

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node

from autobuild_pipelines.run_record_hooks import MissingResultError, check_saved, command_line


def test_the_command_is_the_one_that_was_typed() -> None:
    run_params = {
        "pipeline_names": ["search"],
        "env": "published",
        "runtime_params": {"space": "ofa_pn", "search": {"seeds": 3}},
        "namespaces": ["ofa_pn.search"],
        "tags": None,
    }
    expected = (
        "kedro run --pipeline=search --env=published --namespaces=ofa_pn.search --params=space=ofa_pn,search.seeds=3"
    )
    assert command_line(run_params) == expected


def test_the_main_job_needs_no_options_and_odd_values_are_quoted() -> None:
    assert command_line({"pipeline_names": ["__default__"], "env": None}) == "kedro run"
    assert command_line({"runtime_params": {"targets": "a b"}}) == "kedro run '--params=targets=a b'"


def test_several_pipelines_stand_in_the_order_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    registered = dict.fromkeys(("ingest", "search", "building"))
    monkeypatch.setattr("autobuild_pipelines.run_record_hooks.pipelines", registered)
    printed = command_line({"pipeline_names": ["building", "search", "ingest"]})
    assert printed == "kedro run --pipelines=ingest,search,building"


def test_a_missing_result_is_an_error_that_names_it_and_what_makes_it() -> None:
    make = Pipeline([node(lambda a: a, "raw", "scores", name="make")])
    whole = make + Pipeline([node(lambda a: a, "scores", "more", name="more")])
    report = Pipeline([node(lambda a: a, "scores", "page", name="render")])
    catalog = DataCatalog.from_config({"scores": {"type": "pandas.ParquetDataset", "filepath": "/nowhere/s.parquet"}})
    with pytest.raises(MissingResultError, match=r"there is no scores.*--pipeline=scoring"):
        check_saved(report, catalog, {"__default__": whole, "scoring": make, "none": None})
    check_saved(make, catalog, {"scoring": make})
