"""Architectures: ids that mean the same everywhere, and errors that say where an architecture is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autobuild_pipelines.spaces import ArchitectureError, SearchSpace, from_table, to_table

PROJECT = Path(__file__).resolve().parents[2]
LAYERS = [["mbconv3_e3_k3", "mbconv3_e6_k7"]] * 5


def test_names_and_objects_in_any_key_order_give_the_same_id(ofa_mbv3: SearchSpace) -> None:
    named = ofa_mbv3.architecture(LAYERS, {"resolution": 224})
    objects: list[list[dict[str, Any]]] = [
        [{"kernel": 3, "expand": 3, "res": 224}, {"e": 6.0, "k": np.int64(7), "block": "mbconv3", "res": 224}]
    ] * 5
    assert ofa_mbv3.architecture(objects).id == named.id
    assert json.loads(named.canonical_json)["units"][0][1] == {"expand": 6, "kernel": 7}


def test_the_resolution_changes_the_id_and_the_declared_default_fills_it_in(ofa_mbv3: SearchSpace) -> None:
    assert ofa_mbv3.architecture(LAYERS).id == ofa_mbv3.architecture(LAYERS, {"resolution": 224}).id
    assert ofa_mbv3.architecture(LAYERS).id != ofa_mbv3.architecture(LAYERS, {"resolution": 192}).id


@pytest.mark.slow
def test_ids_are_the_same_in_processes_with_different_hash_seeds() -> None:
    program = (
        "import numpy as np; from autobuild_pipelines.spaces import SearchSpace;"
        "s = SearchSpace.from_yaml('conf/base/spaces/ofa_pn.yml');"
        "print(s.ids(s.sample(50, np.random.default_rng(3))))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=PROJECT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "src"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("units", "graph", "message"),
    [
        (LAYERS[:4], {}, "has 4 units, expected 5"),
        ([*LAYERS[:2], LAYERS[0] * 3, *LAYERS[3:]], {}, r"unit 3 \(stage3\) has 6 layers, expected 2-4"),
        ([["mbconv2_e3_k3"] * 2, *LAYERS[1:]], {}, r"unit 1 \(stage1\) layer 1: unknown layer 'mbconv2_e3_k3'"),
        ([[{"expand": 5, "kernel": 3}] * 2, *LAYERS[1:]], {}, "expand=5 is not one of 3, 4, 6"),
        ([[{"expand": True, "kernel": 3}] * 2, *LAYERS[1:]], {}, "expand=True"),
        ([[{"expand": 3}] * 2, *LAYERS[1:]], {}, r"lacks \['kernel'\]"),
        ([[{"expand": 3, "kernel": 3, "se": 1}] * 2, *LAYERS[1:]], {}, "unknown feature 'se'"),
        ([[{"expand": 3, "kernel": 3, "block": "mbconv2"}] * 2, *LAYERS[1:]], {}, "block='mbconv2'"),
        ([[3, 4], *LAYERS[1:]], {}, "expected a layer name or an object"),
        ("mbconv3_e3_k3", {}, "expected a list of lists"),
        (["ab", *LAYERS[1:]], {}, "expected a list of layers"),
        (LAYERS, {"resolution": 160}, "resolution=160 is not one of 192, 208, 224"),
        (LAYERS, {"width": 1}, "unknown graph feature 'width'"),
        (
            [[{"expand": 3, "kernel": 3, "res": 192}, {"expand": 3, "kernel": 3, "res": 224}], *LAYERS[1:]],
            {},
            "resolution=224 differs from 192",
        ),
    ],
)
def test_a_wrong_architecture_is_refused_with_unit_and_layer(
    ofa_mbv3: SearchSpace, units: Any, graph: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArchitectureError, match=message):
        ofa_mbv3.architecture(units, graph)


def test_layers_of_a_unit_must_agree_where_the_space_says_so() -> None:
    content = {
        "layer_features": {"kernel": {"choices": [3, 5]}, "expand": {"choices": [1, 6]}},
        "units": [{"name": "a", "layers": [1, 2, 3]}],
        "constraints": {"equal_within_unit": {"features": ["kernel"]}},
    }
    space = SearchSpace.from_mapping("equal", content)
    space.architecture([[{"kernel": 3, "expand": 1}, {"kernel": 3, "expand": 6}]])
    with pytest.raises(ArchitectureError, match=r"must agree in \['kernel'\]"):
        space.architecture([[{"kernel": 3, "expand": 1}, {"kernel": 5, "expand": 1}]])
    assert space.size == 2 * (2 + 2**2 + 2**3)


def test_a_table_of_architectures_is_reversible(ofa_pn: SearchSpace) -> None:
    array = ofa_pn.sample(30, np.random.default_rng(0))
    table = to_table(ofa_pn, array, {"acc": np.linspace(0, 1, 30)})
    assert list(table.columns) == ["architecture_id", "resolution", "units", "acc"]
    np.testing.assert_array_equal(from_table(ofa_pn, table).layers, array.layers)


def test_a_module_of_a_merged_unit_is_parsed_back_to_its_slots(ofa_pn: SearchSpace) -> None:
    unit = ofa_pn.ranking_units[-1]
    modules = unit.module_array()[[0, 5000, 66_338]]
    for text, row in zip(ofa_pn.module_json(modules), modules, strict=True):
        np.testing.assert_array_equal(ofa_pn.parse_module(unit, text), row)
    with pytest.raises(ArchitectureError, match="has 2 layers, expected 3-5"):
        ofa_pn.parse_module(unit, ["mbconv2_e3_k3"] * 2)
