"""The surrogate FID and the modelled latency of the Stable Diffusion spaces, and how wrong settings are refused."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.config import LayeredConfigLoader
from autobuild_pipelines.evaluators import EvaluationError, EvaluatorSources, make_evaluators
from autobuild_pipelines.evaluators.surrogate import noise
from autobuild_pipelines.evaluators.surrogate_settings import SurrogateError
from autobuild_pipelines.evaluators.unit_surrogate import UnitSurrogate
from autobuild_pipelines.evaluators.unit_surrogate_settings import UnitSurrogateSettings
from autobuild_pipelines.settings import CONFIG_LOADER_ARGS
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

CONF = Path(__file__).parents[2] / "conf"


@cache
def parameters() -> dict[str, Any]:
    found: dict[str, Any] = LayeredConfigLoader(CONF, **CONFIG_LOADER_ARGS)["parameters"]
    return found


SPACE = SearchSpace.from_yaml(CONF / "base" / "spaces" / "sd_fid.yml", "sd_fid")
SMALL = {"base": 128, "m": (1, 1, 1), "residuals": (1, 1, 1, 1, 2, 2, 2, 2), "attention": (0, 0, 0, 0)}


def surrogate() -> UnitSurrogate:
    return UnitSurrogate(SPACE, UnitSurrogateSettings.from_mapping("sd_fid", parameters()["sd_fid"]["surrogate"]))


def unets(*changes: dict[str, Any]) -> ArchitectureArray:
    """U-Nets that differ from a small one: attention of input stages 3, 4 and output stages 4, 3."""
    out = []
    for change in changes:
        spec: dict[str, Any] = {**SMALL, **change}
        widths = [spec["base"] * factor for factor in (1, *spec["m"])]
        with_attention = {2: 0, 3: 1, 4: 2, 5: 3}
        units = []
        for place, count in enumerate(spec["residuals"]):
            stage = place if place < 4 else 7 - place
            block = ["residual"]
            if place in with_attention and spec["attention"][with_attention[place]]:
                block.append("attention")
            end = ["downsample"] if place < 3 else ["upsample"] if 4 <= place < 7 else []
            units.append([f"{name}_{widths[stage]}" for name in [*block * count, *end]])
        middle = [f"{name}_{widths[3]}" for name in ("residual", "attention", "residual")]
        out.append(SPACE.architecture([*units[:4], middle, *units[4:]]))
    return SPACE.encode(out)


def test_every_gain_of_channels_lowers_the_fid() -> None:
    fid = surrogate().noiseless(unets(*({"base": base} for base in (128, 192, 256))))
    assert (np.diff(fid) < 0).all()
    for stage in range(3):
        steps = [tuple(k if place == stage else 2 for place in range(3)) for k in (1, 2, 3, 4)]
        assert (np.diff(surrogate().noiseless(unets(*({"m": m} for m in steps)))) < 0).all()


def test_the_channels_of_stage_4_matter_most() -> None:
    fid = surrogate().noiseless(unets({}, {"m": (4, 1, 1)}, {"m": (1, 4, 1)}, {"m": (1, 1, 4)}))
    assert int(fid.argmin()) == 3


def test_attention_helps_in_input_stages_more_than_in_output_stages() -> None:
    kinds = [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
    none, *others = surrogate().noiseless(unets(*({"m": (2, 3, 4), "attention": kind} for kind in kinds)))
    gains = none - np.asarray(others)
    assert (gains[:2] > 0.1).all()
    assert gains[:2].min() > np.abs(gains[2:]).max()


def test_the_truth_of_a_whole_space_is_known_and_has_a_fids_range() -> None:
    sources = EvaluatorSources(SPACE, surrogate=parameters()["sd_fid"]["surrogate"])
    evaluator = make_evaluators({"fid": {"type": "surrogate", "noise": 0}}, sources)
    truth = pd.concat([evaluator.evaluate(block) for block in SPACE.blocks()], ignore_index=True)["fid"]
    assert len(truth) == SPACE.size == 786_432
    assert 10 < truth.min() < 12 < 19 < truth.max() < 21
    # Figs. 15 and 16: all that was found has C_m = 256 and the highest multipliers in stages 2 to 4.
    best = SPACE.decode(SPACE.enumeration.architectures(np.argsort(truth.to_numpy())[:10]))
    assert {dict(unit[0])["channels"] for item in best for unit in item.units} == {256, 1024}


def test_units_depend_on_each_other_more_than_the_noise_could_hide() -> None:
    model, array = surrogate(), SPACE.sample(4000, np.random.default_rng(0))
    widths = [model.quantity(array, name) for name in model.settings.quantities]
    features = np.column_stack([np.ones(len(array)), *widths])
    z = model.gain(array)
    residual = z - features @ np.linalg.lstsq(features, z, rcond=None)[0]
    assert residual.std() > 0.05


def test_labels_deviate_from_the_truth_by_the_noise_of_their_seed() -> None:
    model, array = surrogate(), SPACE.sample(500, np.random.default_rng(1))
    expected = model.noiseless(array) + model.settings.noise * noise(SPACE, array, model.settings.noise_seed)
    np.testing.assert_allclose(model.evaluate(array)["fid"], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("limit",), 16.0, "limit: must differ from base"),
        (("noise",), -1, "noise"),
        (("quantities", "width", "log2"), "size", r"quantities\.width: 'size' is no layer feature"),
        (("quantities", "residuals", "count"), {"operation": "conv"}, r"residuals\.count\.operation: 'conv' is not a"),
        (("units", "input9"), {"width": 1.0}, r"units\.input9: 'input9' is no unit"),
        (("units", "input1"), {"depth": 1.0}, r"units\.input1: 'depth' is no quantity"),
        (("together", 0, "first"), ["input4", "depth"], r"together\.0\.first: 'depth' is no quantity"),
        (("steps", 0, "quantity"), "depth", r"steps\.0: 'depth' is no quantity"),
        (("colour",), "red", "colour: unknown key"),
    ],
)
def test_wrong_coefficients_are_refused_with_the_key(path: tuple[Any, ...], value: Any, reason: str) -> None:
    content: Any = deepcopy(parameters()["sd_fid"]["surrogate"])
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(SurrogateError, match=reason):
        UnitSurrogate(SPACE, UnitSurrogateSettings.from_mapping("sd_fid", content))


def test_a_modelled_latency_is_the_sum_of_its_terms() -> None:
    network = parameters()["sd_fid"]["network"]
    sources = EvaluatorSources(SPACE, network=network)
    terms = {
        "both": {
            "fixed": 1.0,
            "macs": 1e-9,
            "params": 1e-6,
            "layers": [{"layer": {"operation": "attention"}, "value": 2}],
        },
        "attention": {"layers": [{"layer": {"operation": "attention"}, "value": 1}]},
    }
    settings = {name: {"type": "cost_model", **entry} for name, entry in terms.items()}
    settings |= {"macs": {"type": "macs"}, "params": {"type": "params"}}
    table = make_evaluators(settings, sources).evaluate(unets({}, {"attention": (1, 0, 0, 1)}))
    assert table["attention"].tolist() == [1, 1 + 1 + 2]  # the middle stage has one
    expected = 1 + table["macs"] * 1e-9 + table["params"] * 1e-6 + 2 * table["attention"]
    np.testing.assert_allclose(table["both"], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (
            {"layers": [{"layer": {"operation": "conv"}, "value": 1}]},
            r"layers\.0\.layer: .* no operation='conv'",
        ),
        ({"layers": [{"layer": {"operation": "residual"}}]}, r"layers\.0\.value"),
        ({"flops": 1}, "no key 'flops'"),
    ],
)
def test_a_wrong_term_of_a_modelled_latency_is_refused(entry: dict[str, Any], reason: str) -> None:
    sources = EvaluatorSources(SPACE, network=parameters()["sd_fid"]["network"])
    with pytest.raises(EvaluationError, match=reason):
        make_evaluators({"latency_ms": {"type": "cost_model", **entry}}, sources)
