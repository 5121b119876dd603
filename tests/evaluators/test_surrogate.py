from __future__ import annotations

import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.evaluators import EvaluatorSources, make_evaluators
from autobuild_pipelines.evaluators.surrogate import AccuracySurrogate, noise
from autobuild_pipelines.evaluators.surrogate_settings import SurrogateError, SurrogateSettings
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf" / "base"


def coefficients(name: str) -> dict[str, Any]:
    path = CONF / "parameters" / f"{name}_surrogate.yml"
    mapping: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))[name]["surrogate"]
    return mapping


def surrogate(name: str) -> AccuracySurrogate:
    space = SearchSpace.from_yaml(CONF / "spaces" / f"{name}.yml", name)
    return AccuracySurrogate(space, SurrogateSettings.from_mapping(name, coefficients(name)))


MBV3 = surrogate("ofa_mbv3")
POOL = MBV3.space.sample(40, np.random.default_rng(0), law="depths")


@pytest.fixture(params=["ofa_mbv3", "ofa_pn"])
def model(request: pytest.FixtureRequest) -> AccuracySurrogate:
    return surrogate(request.param)


def uniform(model: AccuracySurrogate, code: int, resolution: int = 224) -> ArchitectureArray:
    """The deepest architecture of one layer everywhere."""
    units = [[model.space.layer_names[code]] * unit.depths[-1] for unit in model.space.units]
    return model.space.encode([model.space.architecture(units, {"resolution": resolution})])


def one_hots(space: SearchSpace, array: ArchitectureArray) -> np.ndarray:
    """Everything an additive model may know: the layer at each slot (or none), each unit's depth, the resolution."""
    slots = np.eye(len(space.layers) + 1)[array.layers].reshape(len(array), -1)
    depths = [(array.layers[:, unit.columns] != ABSENT).sum(axis=1)[:, None] == unit.depths for unit in space.units]
    return np.concatenate([slots, *depths, np.eye(3)[array.graph[:, 0]]], axis=1)


def test_accuracy_is_a_fraction_under_the_evaluator_protocol(model: AccuracySurrogate) -> None:
    array = model.space.sample(500, np.random.default_rng(1), law="depths")
    table = model.evaluate(array)
    assert list(table.columns) == list(model.metrics) == ["acc"]
    assert table["acc"].dtype == np.float64
    assert table["acc"].between(0.65, 0.85).all()


@given(st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=20))
def test_a_label_does_not_depend_on_what_is_evaluated_with_it(rows: list[int]) -> None:
    together = MBV3.evaluate(POOL)["acc"].to_numpy()[rows]
    assert MBV3.evaluate(POOL.take(rows))["acc"].tolist() == together.tolist()


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_label_is_the_same_in_every_process(hash_seed: str) -> None:
    script = (
        "import sys; sys.path.insert(0, 'tests/evaluators')\n"
        "from test_surrogate import MBV3, POOL\n"
        "print(MBV3.evaluate(POOL)['acc'].tolist())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == str(MBV3.evaluate(POOL)["acc"].tolist()), done.stderr


def test_noise_is_standard_normal_and_follows_its_seed() -> None:
    array = MBV3.space.sample(20_000, np.random.default_rng(2))
    first, second = noise(MBV3.space, array, 1), noise(MBV3.space, array, 2)
    assert abs(first.mean()) < 0.03
    assert first.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_labels_deviate_from_the_noiseless_ones_by_the_noise(model: AccuracySurrogate) -> None:
    array = model.space.sample(3000, np.random.default_rng(3))
    difference = model.evaluate(array)["acc"].to_numpy() * 100 - model.noiseless(array)
    assert 0.1 <= model.settings.noise <= 0.2  # a realistic size, in points
    assert difference.std() == pytest.approx(model.settings.noise, rel=0.05)


def test_layers_interact_so_that_no_additive_model_explains_the_labels(model: AccuracySurrogate) -> None:
    array = model.space.sample(8000, np.random.default_rng(4), law="depths")
    features, percent = one_hots(model.space, array), model.noiseless(array)
    ridge = np.linalg.solve(features.T @ features + np.eye(features.shape[1]), features.T @ (percent - percent.mean()))
    residual = percent - percent.mean() - features @ ridge
    assert residual.std() > model.settings.noise  # all of it interaction: the labels are noiseless here


def test_the_largest_network_is_good_but_not_the_best(model: AccuracySurrogate) -> None:
    code = model.space.code_of_layer
    largest = uniform(model, code[(("expand", 6), ("kernel", 7))])
    smaller_kernels = uniform(model, code[(("expand", 6), ("kernel", 5))])
    typical = model.noiseless(model.space.sample(2000, np.random.default_rng(5)))
    assert model.noiseless(largest)[0] > np.quantile(typical, 0.95)
    assert model.noiseless(smaller_kernels)[0] > model.noiseless(largest)[0]


def test_no_kernel_is_the_best_in_every_unit() -> None:
    space, best = MBV3.space, set()
    context = uniform(MBV3, space.code_of_layer[(("expand", 4), ("kernel", 5))])
    for unit in space.units:
        scores = {}
        for kernel in (3, 5, 7):
            layers = context.layers.copy()
            layers[:, unit.start] = space.code_of_layer[(("expand", 4), ("kernel", kernel))]
            scores[kernel] = MBV3.noiseless(ArchitectureArray(layers, context.graph))[0]
        best.add(max(scores, key=lambda kernel: scores[kernel]))
    assert len(best) > 1


def test_more_pixels_mean_more_accuracy(model: AccuracySurrogate) -> None:
    by_resolution = [model.noiseless(uniform(model, 4, resolution))[0] for resolution in (192, 208, 224)]
    assert by_resolution == sorted(by_resolution)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("units", 0, "positions"), [1.0], r"units\.1\.positions: expected 4 numbers, one per layer position, got 1"),
        (("units", 1, "effects", "kernel"), [0.1], r"units\.2\.effects\.kernel: expected 3 numbers"),
        (("units", 1, "effects"), {"width": [1.0]}, r"units\.2\.effects: 'width' is not a searched layer feature"),
        (("joint", 0, "layer"), {"expand": 5}, r"joint\.0\.layer\.expand: 5 is not a choice"),
        (("graph",), {"pixels": [0.0]}, r"graph\.pixels: is not a graph feature"),
        (("receptive_field", "need"), [1.0], r"receptive_field\.need: expected 3 numbers"),
        (("receptive_field", "softness"), 0.0, r"receptive_field\.softness"),
        (("calibrated", "scales"), [[1.0]], r"calibrated\.scales: expected per unit \[3, 3, 3, 3, 3\] numbers"),
        (("calibrated",), None, "calibrated: missing"),
        (("noise",), -1.0, "noise"),
        (("colour",), "red", "colour"),
    ],
)
def test_wrong_coefficients_are_refused_with_the_key(path: tuple[Any, ...], value: Any, reason: str) -> None:
    content: Any = deepcopy(coefficients("ofa_mbv3"))
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(SurrogateError, match=reason):
        AccuracySurrogate(MBV3.space, SurrogateSettings.from_mapping("ofa_mbv3", content))


def test_a_metric_of_another_name_and_unit_goes_by_the_same_formula() -> None:
    other = {**coefficients("ofa_mbv3"), "metric": "quality", "point": 1.0, "offset": -1.5}
    model = AccuracySurrogate(MBV3.space, SurrogateSettings.from_mapping("ofa_mbv3", other))
    assert model.metrics == ("quality",)
    expected = 100 * MBV3.evaluate(POOL)["acc"] - 1.5
    np.testing.assert_allclose(model.evaluate(POOL)["quality"], expected, atol=1e-9)


def test_an_evaluators_entry_overrides_offset_and_noise_of_one_metric_alone() -> None:
    sources = EvaluatorSources(MBV3.space, surrogate=coefficients("ofa_mbv3"))
    settings = {
        "acc": {"type": "surrogate"},
        "cheap": {"type": "surrogate", "offset": -2, "noise": 0.5, "noise_seed": 9},
    }
    table = make_evaluators(settings, sources).evaluate(POOL)
    assert table["acc"].tolist() == MBV3.evaluate(POOL)["acc"].tolist()
    noisy = MBV3.noiseless(POOL) - 2 + 0.5 * noise(MBV3.space, POOL, 9)
    np.testing.assert_allclose(table["cheap"], noisy / 100, atol=1e-6)
