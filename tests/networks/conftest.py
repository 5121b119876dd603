"""The two OFA spaces with their networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from autobuild_pipelines.networks import NetworkDefinition
from autobuild_pipelines.spaces import SearchSpace

CONF = Path(__file__).parents[2] / "conf" / "base"


@pytest.fixture(params=["ofa_mbv3", "ofa_pn"])
def family(request: pytest.FixtureRequest) -> tuple[SearchSpace, NetworkDefinition]:
    name = request.param
    space = SearchSpace.from_yaml(CONF / "spaces" / f"{name}.yml", name)
    return space, NetworkDefinition.from_yaml(CONF / "networks" / f"{name}.yml", name)


@pytest.fixture
def mbv3() -> tuple[SearchSpace, NetworkDefinition]:
    space = SearchSpace.from_yaml(CONF / "spaces" / "ofa_mbv3.yml", "ofa_mbv3")
    return space, NetworkDefinition.from_yaml(CONF / "networks" / "ofa_mbv3.yml", "ofa_mbv3")


@pytest.fixture
def small() -> tuple[SearchSpace, NetworkDefinition]:
    """A space of one unit and two layers, whose networks run in a millisecond."""
    space = SearchSpace.from_mapping(
        "small",
        {
            "layer_features": {"expand": {"choices": [2, 3]}, "kernel": {"choices": [3]}},
            "graph_features": {"resolution": {"choices": [16, 32]}},
            "units": [{"name": "stage1", "layers": [1, 2]}],
        },
    )
    definition = NetworkDefinition.from_mapping(
        "small",
        {
            "num_classes": 10,
            "stem": {"width": 8, "activation": "relu"},
            "first_block": {"width": 8, "activation": "relu"},
            "stages": [{"width": 8, "stride": 2, "activation": "h_swish", "squeeze_excite": True}],
        },
    )
    return space, definition


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small networks on a shared machine are faster with one thread than with threads that wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
