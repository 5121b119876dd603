"""Labels in, designed target equations out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro_datasets.yaml import YAMLDataset

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.design import DesignError
from autobuild_pipelines.pipelines.design_targets import create_pipeline
from autobuild_pipelines.pipelines.design_targets.nodes import design_equations, draw_designed_targets
from autobuild_pipelines.pipelines.design_targets.schemas import DESIGNED_TARGETS
from autobuild_pipelines.spaces import SearchSpace, to_table
from autobuild_pipelines.targets import Equation

PROBLEMS: dict[str, Any] = {
    "cpu": {
        "objectives": {
            "acc_percent": {"equation": "acc * 100", "direction": "max", "reference": 70},
            "latency_ms": {"direction": "min", "reference": 40},
        },
        "graph": {"resolution": 224},
    },
    "best": {"objectives": {"acc": {"direction": "max", "reference": 0.7}}},
}
DESIGN = {"count": 3, "best": 10, "margin": 0.1, "shape": "auto", "digits": 3}


@pytest.fixture(scope="module")
def architectures(ofa_mbv3: SearchSpace) -> pd.DataFrame:
    """Deeper networks are slower and better, ever less so."""
    rng = np.random.default_rng(0)
    array = ofa_mbv3.sample(900, rng, law="depths")
    latency = (array.layers >= 0).sum(axis=1) + (array.layers > 4).sum(axis=1) / 2 + rng.uniform(0, 3, len(array))
    accuracy = 0.8 - 0.5 / latency - rng.exponential(0.002, len(array))
    return to_table(ofa_mbv3, array, {"acc": accuracy, "latency_ms": latency})


def test_the_equations_can_be_pasted_into_the_targets_of_a_space(architectures: pd.DataFrame, tmp_path: Any) -> None:
    table, equations = design_equations(architectures, PROBLEMS, DESIGN, "measured")
    DESIGNED_TARGETS.validate(table)
    assert list(equations) == ["cpu_1", "cpu_2", "cpu_3"]
    dataset = YAMLDataset(filepath=str(tmp_path / "target_equations.yml"), save_args={"sort_keys": False})
    dataset.save(equations)
    assert (tmp_path / "target_equations.yml").read_text().startswith("cpu_1: acc * 100 - ")
    assert list(dataset.load()) == list(equations)
    for name, text in dataset.load().items():
        assert np.ptp(Equation(name, text).evaluate(architectures)) > 0


def test_only_architectures_at_the_resolution_of_the_problem_count(architectures: pd.DataFrame) -> None:
    elsewhere = architectures["resolution"] != 224
    changed = architectures.assign(latency_ms=architectures["latency_ms"].where(~elsewhere, 0.1))
    assert design_equations(changed, PROBLEMS, DESIGN, "measured")[1] == design_equations(
        architectures, PROBLEMS, DESIGN, "measured"
    )[1]  # fmt: skip


def test_a_problem_of_one_objective_is_left_out_and_its_figure_says_so(
    ofa_mbv3: SearchSpace, architectures: pd.DataFrame
) -> None:
    table, _ = design_equations(architectures, PROBLEMS, DESIGN, "surrogate")
    assert set(table["problem"]) == {"cpu"}
    cpu, best = draw_designed_targets(ofa_mbv3, architectures, table, PROBLEMS, "surrogate")
    assert "surrogate labels" in cpu.layout.title.text
    assert "nothing to show" in best.layout.title.text


def test_a_setting_that_is_wrong_names_its_key(architectures: pd.DataFrame) -> None:
    with pytest.raises(DesignError, match="design: counts: unknown key"):
        design_equations(architectures, PROBLEMS, {"counts": 3}, "measured")


def test_there_is_a_figure_for_every_problem() -> None:
    pipeline = create_pipeline(SpaceOutline(problems=("cpu", "best")))
    assert pipeline.outputs() == {"target_equations", "target_design_cpu_figure", "target_design_best_figure"}
