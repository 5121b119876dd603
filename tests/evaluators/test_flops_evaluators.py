"""FLOPs of a backbone of another task, and of the whole network that has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.evaluators import EvaluationError, EvaluatorSources, make_evaluators
from autobuild_pipelines.networks import NetworkDefinition, backbone_mac_costs
from autobuild_pipelines.spaces import SearchSpace, to_table

CONF = Path(__file__).parents[2] / "conf" / "base"
EXACT = {"flops_pan_seg": {"type": "backbone_flops", "resolution": 1024}}
FITTED = {"flops_pan_seg": {"type": "fitted_flops", "resolution": 1024}}


@pytest.fixture(scope="module")
def definition() -> NetworkDefinition:
    return NetworkDefinition.from_yaml(CONF / "networks" / "ofa_pn.yml", "ofa_pn")


def labelled(space: SearchSpace, definition: NetworkDefinition, noise: float = 0.0) -> pd.DataFrame:
    """200 architectures with FLOPs as AIO-P counts them: on smaller images, with neck and heads."""
    rng = np.random.default_rng(0)
    array = space.sample(200, rng, law="depths")
    backbone = backbone_mac_costs(space, definition, 1024).total(array) / 1e9
    return to_table(space, array, {"flops_pan_seg": 163.5 + 0.83 * backbone + noise * rng.normal(size=200)})


def test_backbone_flops_are_billions_of_multiply_adds_whatever_the_architectures_resolution(
    ofa_pn: SearchSpace, definition: NetworkDefinition
) -> None:
    evaluator = make_evaluators(EXACT, EvaluatorSources(ofa_pn, network=definition))
    arrays = [ofa_pn.sample(50, np.random.default_rng(1), graph={"resolution": r}) for r in (192, 224)]
    low, high = (evaluator.evaluate(array)["flops_pan_seg"] for array in arrays)
    assert low.tolist() == high.tolist()
    expected = backbone_mac_costs(ofa_pn, definition, 1024).total(arrays[0])
    np.testing.assert_allclose(low, expected / 1e9, rtol=1e-15)


def test_fitted_flops_find_the_heads_and_the_size_of_the_images(
    ofa_pn: SearchSpace, definition: NetworkDefinition
) -> None:
    table = labelled(ofa_pn, definition, noise=0.01)
    evaluator = make_evaluators(FITTED, EvaluatorSources(ofa_pn, network=definition, architectures=table))
    fresh = ofa_pn.sample(50, np.random.default_rng(2), law="depths")
    truth = 163.5 + 0.83 * backbone_mac_costs(ofa_pn, definition, 1024).total(fresh) / 1e9
    np.testing.assert_allclose(evaluator.evaluate(fresh)["flops_pan_seg"], truth, atol=0.02)


def test_a_label_that_is_no_line_over_the_flops_is_refused(ofa_pn: SearchSpace, definition: NetworkDefinition) -> None:
    table = labelled(ofa_pn, definition, noise=1.0)
    with pytest.raises(EvaluationError, match=r"explains \d+\.\d% of the label's variance, .* take a predictor"):
        make_evaluators(FITTED, EvaluatorSources(ofa_pn, network=definition, architectures=table))
    constant = table.assign(flops_pan_seg=170.0)
    with pytest.raises(EvaluationError, match=r"explains 0\.0% of the label's variance"):
        make_evaluators(FITTED, EvaluatorSources(ofa_pn, network=definition, architectures=constant))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"type": "backbone_flops"}, "type 'backbone_flops' needs the key 'resolution'"),
        ({"type": "backbone_flops", "resolution": 8}, "resolution: expected a whole number of at least 32, got 8"),
        ({"type": "backbone_flops", "resolution": "1024"}, "resolution: expected a whole number"),
        ({"type": "fitted_flops", "resolution": 1024, "column": "flops"}, "have no column 'flops'"),
    ],
)
def test_settings_that_do_not_fit_are_named(
    entry: dict[str, object], message: str, ofa_pn: SearchSpace, definition: NetworkDefinition
) -> None:
    sources = EvaluatorSources(ofa_pn, network=definition, architectures=labelled(ofa_pn, definition))
    with pytest.raises(EvaluationError, match=f"metric 'f': .*{message}"):
        make_evaluators({"f": entry}, sources)


def test_two_architectures_are_too_few_for_a_line(ofa_pn: SearchSpace, definition: NetworkDefinition) -> None:
    table = labelled(ofa_pn, definition).head(2)
    with pytest.raises(EvaluationError, match="2 labelled architectures are too few for a line"):
        make_evaluators(FITTED, EvaluatorSources(ofa_pn, network=definition, architectures=table))
