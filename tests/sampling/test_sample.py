from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.config import LayeredConfigLoader
from autobuild_pipelines.evaluators import EvaluatorSources, make_evaluators
from autobuild_pipelines.networks import (
    NetworkDefinition,
    UNetCostTable,
    UNetDefinition,
    backbone_mac_costs,
    macs,
    parameters,
    read_network,
)
from autobuild_pipelines.sampling import make_sample, sample_architectures
from autobuild_pipelines.sampling.calibration import calibrate, cell_statistics, split_surrogate
from autobuild_pipelines.settings import CONFIG_LOADER_ARGS
from autobuild_pipelines.spaces import SearchSpace, from_table

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "01_raw" / "sample"


CLASSIFICATION = ("ofa_mbv3", "ofa_pn")
PANOPTIC = ("ofa_mbv3_panoptic", "ofa_pn_panoptic")
FILES = {"sample": "{}.csv", "fine_tuned_sample": "{}_fine_tuned.csv"}


@pytest.fixture(params=CLASSIFICATION)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=PANOPTIC)
def panoptic(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@cache
def settings(name: str) -> dict[str, Any]:
    """The space's complete parameters: declarations may refer to each other."""
    found: dict[str, Any] = LayeredConfigLoader(ROOT / "conf", **CONFIG_LOADER_ARGS)["parameters"][name]
    return found


def space_of(name: str) -> SearchSpace:
    return SearchSpace.from_mapping(name, settings(name)["space"])


def definition_of(name: str) -> NetworkDefinition:
    return NetworkDefinition.from_mapping(name, settings(name)["network"])


def drawn(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != "labels"}


def regenerate(name: str, sample: str = "sample") -> bytes:
    content, space = settings(name), space_of(name)
    latencies = SAMPLE / f"layer_latency_{name}.csv"
    sources = EvaluatorSources(
        space,
        network=content["network"],
        surrogate=content["surrogate"],
        layer_latencies=pd.read_csv(latencies) if latencies.exists() else None,
    )
    evaluator = make_evaluators(content[sample]["labels"], sources)
    table = make_sample(space, evaluator, **drawn(content[sample]))
    return table.to_csv(index=False, lineterminator="\n").encode()


def test_the_committed_sample_is_made_again_byte_for_byte(name: str) -> None:
    assert regenerate(name) == (SAMPLE / f"{name}.csv").read_bytes()


@pytest.mark.parametrize("sample", FILES)
def test_the_committed_panoptic_samples_are_made_again_byte_for_byte(panoptic: str, sample: str) -> None:
    assert regenerate(panoptic, sample) == (SAMPLE / FILES[sample].format(panoptic)).read_bytes()


# Paper §7.1: 1.3k pseudo-labelled and 118 fine-tuned MBv3 architectures.
@pytest.mark.parametrize(("sample", "count"), [("sample", 1300), ("fine_tuned_sample", 118)])
def test_the_panoptic_samples_have_the_papers_sizes_and_exact_flops_of_the_backbone(
    panoptic: str, sample: str, count: int
) -> None:
    space, table = space_of(panoptic), pd.read_csv(SAMPLE / FILES[sample].format(panoptic))
    assert len(table) == table["architecture_id"].nunique() == count
    macs = backbone_mac_costs(space, definition_of(panoptic), 1024).total(from_table(space, table))
    np.testing.assert_allclose(table["flops_pan_seg"], macs / 1e9, rtol=1e-12)


def test_pseudo_labels_are_lower_and_noisier_than_fine_tuning_and_rank_alike(panoptic: str) -> None:
    table, content, space = pd.read_csv(SAMPLE / f"{panoptic}.csv"), settings(panoptic), space_of(panoptic)
    sources = EvaluatorSources(space, surrogate=content["surrogate"])
    truth = make_evaluators({"pan_seg_PQ": {"type": "surrogate"}}, sources).evaluate(from_table(space, table))
    difference = table["pan_seg_PQ"] - truth["pan_seg_PQ"]
    assert difference.mean() == pytest.approx(-1.2, abs=0.05)
    assert difference.std() == pytest.approx(np.hypot(0.25, 0.1), abs=0.02)
    assert table["pan_seg_PQ"].corr(truth["pan_seg_PQ"], method="spearman") > 0.9


def test_the_fine_tuned_front_lies_where_the_papers_does(panoptic: str) -> None:
    # §7.7: the named points of the PN front have a PQ from 35.7 to 37.9 over 3.8 G.
    table = pd.read_csv(SAMPLE / f"{panoptic}_fine_tuned.csv")
    best = table[table["flops_pan_seg"] <= table["flops_pan_seg"].median()]["pan_seg_PQ"].max()
    assert 36 < best < table["pan_seg_PQ"].max() < 38.5


def test_the_committed_sample_has_three_thousand_distinct_architectures_in_under_two_megabytes(name: str) -> None:
    assert (SAMPLE / f"{name}.csv").stat().st_size < 2_000_000
    table = pd.read_csv(SAMPLE / f"{name}.csv")
    assert len(table) == table["architecture_id"].nunique() == 3000
    assert set(table["resolution"]) == {192, 208, 224}


def test_the_committed_macs_and_params_are_exact(name: str) -> None:
    space, definition, table = space_of(name), definition_of(name), pd.read_csv(SAMPLE / f"{name}.csv")
    array = from_table(space, table)
    assert space.ids(array) == table["architecture_id"].tolist()
    assert table["macs"].tolist() == macs(space, definition, array).tolist()
    assert table["params"].tolist() == parameters(space, definition, array).tolist()


# AutoBuild paper, Table 2: accuracy [%] of random OFA-MBv3 architectures, (mean, deviation) per unit and layers.
TABLE_2 = {
    (1, 2): (76.77, 0.82), (1, 3): (77.00, 0.79), (1, 4): (77.08, 0.76),
    (2, 2): (76.77, 0.81), (2, 3): (76.98, 0.78), (2, 4): (77.12, 0.78),
    (3, 2): (76.69, 0.85), (3, 3): (77.02, 0.76), (3, 4): (77.13, 0.74),
    (4, 2): (76.42, 0.75), (4, 3): (77.05, 0.70), (4, 4): (77.41, 0.62),
    (5, 2): (76.61, 0.79), (5, 3): (76.96, 0.76), (5, 4): (77.26, 0.73),
}  # fmt: skip


@pytest.mark.parametrize(("unit", "layers"), TABLE_2)
def test_the_mbv3_sample_reproduces_table_2_within_0_05_points(unit: int, layers: int) -> None:
    table = pd.read_csv(SAMPLE / "ofa_mbv3.csv")
    depth = np.asarray([len(units[unit - 1]) for units in table["units"].map(json.loads)])
    percent = table.loc[depth == layers, "acc"] * 100
    assert (percent.mean(), percent.std()) == pytest.approx(TABLE_2[unit, layers], abs=0.05)


def test_every_sample_reproduces_what_it_is_calibrated_on_within_0_05_points(name: str) -> None:
    space, table = space_of(name), pd.read_csv(SAMPLE / f"{name}.csv")
    _, targets = split_surrogate(name, settings(name)["surrogate"])
    found = cell_statistics(space, from_table(space, table), table["acc"].to_numpy() * 100, targets.cells)
    np.testing.assert_allclose(found, [(mean, std) for _, _, mean, std in targets.cells], atol=0.05)


@pytest.mark.parametrize("name", [*CLASSIFICATION, *PANOPTIC])
def test_calibrating_again_gives_the_committed_coefficients(name: str) -> None:
    space, content = space_of(name), settings(name)
    surrogate, targets = split_surrogate(name, content["surrogate"])
    again = calibrate(space, surrogate, targets, sample_architectures(space, **drawn(content["sample"])))
    assert surrogate.calibrated is not None
    for key in ("depth_effects", "scales"):
        found, committed = np.concatenate(getattr(again, key)), np.concatenate(getattr(surrogate.calibrated, key))
        np.testing.assert_allclose(found, committed, atol=2e-4)


def test_a_space_smaller_than_the_sample_is_refused() -> None:
    tiny = SearchSpace.from_mapping(
        "tiny", {"layer_features": {"kernel": {"choices": [3, 5]}}, "units": [{"name": "stage1", "layers": [1]}]}
    )
    assert len(sample_architectures(tiny, 2, seed=0)) == 2
    with pytest.raises(ValueError, match="tiny has 2 architectures, fewer than 3"):
        sample_architectures(tiny, 3, seed=0)


DIFFUSION = {"sd_fid": 68, "sd_hardware": 90}


@pytest.mark.parametrize("space", DIFFUSION)
def test_the_committed_diffusion_samples_are_made_again_byte_for_byte(space: str) -> None:
    assert regenerate(space) == (SAMPLE / f"{space}.csv").read_bytes()


@pytest.mark.parametrize(("space", "count"), DIFFUSION.items())
def test_the_diffusion_samples_have_the_papers_sizes_and_exact_costs(space: str, count: int) -> None:
    # §7.9 and §7.10: 68 and 90 fine-tuned architectures.
    searched, table = space_of(space), pd.read_csv(SAMPLE / f"{space}.csv")
    assert len(table) == table["architecture_id"].nunique() == count
    array, family = from_table(searched, table), read_network(space, settings(space)["network"])
    assert isinstance(family, UNetDefinition)
    assert table["macs"].tolist() == UNetCostTable(searched, family, "macs").total(array).tolist()
    assert table["params"].tolist() == UNetCostTable(searched, family, "parameters").total(array).tolist()


def test_the_first_diffusion_sample_has_eight_combinations_of_multipliers_the_baselines_among_them() -> None:
    # §7.9: "Baseline has multipliers [1, 2, 3, 4] ... We add 7 other combinations".
    table, found = pd.read_csv(SAMPLE / "sd_fid.csv"), set()
    for units in table["units"].map(json.loads):
        channels = [unit[0]["channels"] for unit in units[:4]]
        found.add(tuple(width // channels[0] for width in channels))
    assert len(found) == 8
    assert {(1, 2, 3, 4), (1, 1, 2, 4), (1, 3, 4, 2)} <= found


def test_architectures_may_be_drawn_among_given_values_of_shared_variables_alone() -> None:
    space = space_of("sd_hardware")
    among = [{"multiplier_2": 2, "multiplier_4": 1}, {"multiplier_3": 3}]
    drawn = sample_architectures(space, 50, seed=0, among=among)
    for row in space.assignments.of(drawn.layers).tolist():
        values = space.assignments.values[row]
        assert any(wanted.items() <= values.items() for wanted in among)
    with pytest.raises(ValueError, match=r"sd_hardware has no architectures of {'multiplier_2': 4}"):
        sample_architectures(space, 50, seed=0, among=[{"multiplier_2": 4}])
    with pytest.raises(ValueError, match="sd_hardware has 4096 such architectures, fewer than 5000"):
        sample_architectures(space, 5000, 0, among=[{"multiplier_2": 1, "multiplier_3": 1, "multiplier_4": 1}])
