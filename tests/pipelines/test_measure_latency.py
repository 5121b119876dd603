from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.evaluators import EvaluationError
from autobuild_pipelines.evaluators.protocol import ERROR
from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.pipelines.measure_latency import create_pipeline
from autobuild_pipelines.pipelines.measure_latency.nodes import measure_sample
from autobuild_pipelines.pipelines.measure_latency.schemas import LATENCY_FAILURES, LATENCY_SAMPLES
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace

SETTINGS: dict[str, Any] = {"count": 6, "label": "latency_cpu_ms", "graph": {}}


class Measured:
    """Two milliseconds a layer; architectures that `fails` picks fail."""

    metrics = ("latency_ms", "latency_spread", "latency_outliers")
    support = None

    def __init__(self, fails: slice = slice(0), spread: float = 0.05) -> None:
        self.fails, self.spread = fails, spread

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        latency = 2.0 * (array.layers != ABSENT).sum(axis=1)
        errors = np.full(len(array), None, dtype=object)
        errors[self.fails] = "RuntimeError: out of memory"
        table = pd.DataFrame({"latency_ms": latency, "latency_spread": self.spread, "latency_outliers": 1.0})
        table.loc[errors != None] = np.nan  # noqa: E711
        return table.assign(**{ERROR: errors})


def measure(
    space: SearchSpace, evaluator: Any, settings: dict[str, Any] | None = None, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    return measure_sample(space, evaluator, {**SETTINGS, **(settings or {})}, {"repeats": 9}, seed)


def test_the_table_is_read_by_ingest_as_it_is(ofa_mbv3: SearchSpace, tmp_path: Path) -> None:
    samples, failures = measure(ofa_mbv3, Measured())
    LATENCY_SAMPLES.validate(samples)
    path = tmp_path / "samples.csv"
    samples.to_csv(path, index=False)
    again = ingest_records(ofa_mbv3, read_records(str(path)), labels=["latency_cpu_ms"]).architectures
    assert again["architecture_id"].tolist() == samples["architecture_id"].tolist()
    assert again["latency_cpu_ms"].tolist() == samples["latency_cpu_ms"].tolist()
    assert failures.empty


def test_the_table_says_how_was_measured_and_how_steadily(ofa_mbv3: SearchSpace) -> None:
    samples, _ = measure(ofa_mbv3, Measured())
    assert samples["measured_on"].str.contains("median over 9 passes").all()
    assert samples["latency_spread"].eq(0.05).all()
    assert samples["latency_outliers"].eq(1.0).all()


def test_a_failed_architecture_is_reported_and_not_in_the_table(ofa_mbv3: SearchSpace) -> None:
    whole, _ = measure(ofa_mbv3, Measured())
    samples, failures = measure(ofa_mbv3, Measured(fails=slice(2)))
    LATENCY_FAILURES.validate(failures)
    assert samples["architecture_id"].tolist() == whole["architecture_id"].tolist()[2:]
    assert failures["architecture_id"].tolist() == whole["architecture_id"].tolist()[:2]
    assert failures["reason"].tolist() == ["RuntimeError: out of memory"] * 2


def test_without_one_measurement_it_says_why(ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(EvaluationError, match="none of 6 architectures could be measured; the first: RuntimeError"):
        measure(ofa_mbv3, Measured(fails=slice(None)))


def test_a_busy_machine_is_noticed(ofa_mbv3: SearchSpace, caplog: pytest.LogCaptureFixture) -> None:
    measure(ofa_mbv3, Measured())
    assert "idle machine" not in caplog.text
    measure(ofa_mbv3, Measured(spread=0.3))
    assert "the repeats of 6 of 6 networks spread by more than 0.1 of their median" in caplog.text


def test_graph_values_are_drawn_or_fixed(ofa_mbv3: SearchSpace) -> None:
    assert measure(ofa_mbv3, Measured(), {"count": 40})[0]["resolution"].nunique() == 3
    fixed, _ = measure(ofa_mbv3, Measured(), {"count": 40, "graph": {"resolution": 208}})
    assert fixed["resolution"].unique().tolist() == [208]


def test_the_same_seed_draws_the_same_architectures(ofa_pn: SearchSpace) -> None:
    first, second = (measure(ofa_pn, Measured(), seed=seed)[0]["architecture_id"].tolist() for seed in (1, 1))
    assert first == second
    assert first != measure(ofa_pn, Measured(), seed=2)[0]["architecture_id"].tolist()


def test_a_wrong_setting_is_named(ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(EvaluationError, match="measure_latency: count: "):
        measure(ofa_mbv3, Measured(), {"count": 0})


def test_the_pipeline_reads_a_space_and_the_ledger_and_writes_two_tables() -> None:
    pipeline = create_pipeline()
    assert {"search_space", "params:network", "params:latency", "evaluation_ledger"} <= pipeline.inputs()
    assert pipeline.outputs() == {"latency_samples", "latency_failures"}
