from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from autobuild_pipelines.networks import NetworkDefinition, macs, parameters
from autobuild_pipelines.sampling import make_sample, sample_architectures
from autobuild_pipelines.sampling.calibration import calibrate, cell_statistics, split_surrogate
from autobuild_pipelines.spaces import SearchSpace, from_table

ROOT = Path(__file__).parents[2]
CONF = ROOT / "conf" / "base"
SAMPLE = ROOT / "data" / "01_raw" / "sample"


@pytest.fixture(params=["ofa_mbv3", "ofa_pn"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def settings(name: str) -> dict[str, Any]:
    path = CONF / "parameters" / f"{name}_surrogate.yml"
    mapping: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))[name]
    return mapping


def space_of(name: str) -> SearchSpace:
    return SearchSpace.from_yaml(CONF / "spaces" / f"{name}.yml", name)


def definition_of(name: str) -> NetworkDefinition:
    return NetworkDefinition.from_yaml(CONF / "networks" / f"{name}.yml", name)


def regenerate(name: str) -> bytes:
    content = settings(name)
    latencies = pd.read_csv(SAMPLE / f"layer_latency_{name}.csv")
    table = make_sample(space_of(name), definition_of(name), content["surrogate"], latencies, **content["sample"])
    return table.to_csv(index=False, lineterminator="\n").encode()


def test_the_committed_sample_is_made_again_byte_for_byte(name: str) -> None:
    assert regenerate(name) == (SAMPLE / f"{name}.csv").read_bytes()


def test_the_sample_is_the_same_in_another_process() -> None:
    script = (
        "import sys; sys.path.insert(0, 'tests/sampling')\n"
        "from test_sample import regenerate\n"
        "sys.stdout.buffer.write(regenerate('ofa_mbv3'))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True)
    assert done.stdout == (SAMPLE / "ofa_mbv3.csv").read_bytes(), done.stderr.decode()


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


def test_calibrating_again_gives_the_committed_coefficients(name: str) -> None:
    space, content = space_of(name), settings(name)
    surrogate, targets = split_surrogate(name, content["surrogate"])
    again = calibrate(space, surrogate, targets, sample_architectures(space, **content["sample"]))
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
