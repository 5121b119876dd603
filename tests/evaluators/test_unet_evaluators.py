"""Evaluators of costs and latencies take U-Nets as they take MobileNets."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from autobuild_pipelines.evaluators import EvaluationError, EvaluatorSources, make_evaluators
from autobuild_pipelines.networks.unet import InpaintingUNet, example_latents
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.spaces import SearchSpace

pytest.importorskip("diffusers")

NETWORK: dict[str, Any] = {"family": "unet", "groups": 2, "heads": 2, "latent_size": 8}
SPACE = SearchSpace.from_mapping(
    "pairs",
    {
        "layer_features": {
            "operation": {"choices": ["residual", "attention", "downsample", "upsample"]},
            "channels": {"choices": [4, 8]},
        },
        "units": [{"name": name, "layers": [1, 2, 3]} for name in ("input1", "input2", "output2", "output1")],
    },
)
UNET = UNetArchitecture((4, 8), (1, 2), (2, 1), (False, False), (False, False))


def encoded() -> Any:
    stages = [
        (4, ["residual", "downsample"]),
        (8, ["residual"] * 2),
        (8, ["residual", "upsample"]),
        (4, ["residual"] * 2),
    ]
    units = [[{"operation": o, "channels": c} for o in operations] for c, operations in stages]
    return SPACE.encode([SPACE.architecture(units)])


def test_macs_parameters_and_latency_of_u_nets_come_from_the_networks_family() -> None:
    settings = {
        "macs": {"type": "macs"},
        "params": {"type": "params"},
        "latency": {"type": "latency", "repeats": 2, "fan_out": {"backend": "sequential"}},
    }
    found = make_evaluators(settings, EvaluatorSources(SPACE, network=NETWORK)).evaluate(encoded()).iloc[0]
    definition = UNetDefinition.from_mapping("pairs", NETWORK)
    with torch.device("meta"):
        network = InpaintingUNet(definition, UNET)
        latents = example_latents(definition)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*latents)
    assert 2 * found["macs"] == counter.get_total_flops()
    assert found["params"] == sum(p.numel() for p in network.parameters())
    assert found["latency"] > 0


def test_u_nets_are_no_backbones_and_no_classifiers() -> None:
    settings = {"flops": {"type": "backbone_flops", "resolution": 224}}
    with pytest.raises(EvaluationError, match="metric 'flops': space 'pairs' is of U-Nets"):
        make_evaluators(settings, EvaluatorSources(SPACE, network=NETWORK))


def test_a_definition_that_does_not_fit_the_space_is_refused_by_metric() -> None:
    network = {**NETWORK, "features": {"channels": "width"}}
    with pytest.raises(EvaluationError, match=r"metric 'macs': .*'width' is not a layer feature"):
        make_evaluators({"macs": {"type": "macs"}}, EvaluatorSources(SPACE, network=network))
