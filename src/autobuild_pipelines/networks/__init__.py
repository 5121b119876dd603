"""Real networks of architectures: definitions as data, torch modules, supernets, exact MACs and parameters."""

from autobuild_pipelines.networks.calibration import recalibrate_batch_norm
from autobuild_pipelines.networks.costs import (
    Costs,
    LayerCosts,
    backbone_mac_costs,
    mac_costs,
    macs,
    parameter_costs,
    parameters,
)
from autobuild_pipelines.networks.definition import NetworkDefinition, NetworkError, make_divisible
from autobuild_pipelines.networks.modules import Subnet, build_subnet, example_input, resolution_of
from autobuild_pipelines.networks.supernet import Supernet, splice
from autobuild_pipelines.networks.supernet_weights import load_supernet, read_supernet, save_supernet

__all__ = [
    "Costs",
    "LayerCosts",
    "NetworkDefinition",
    "NetworkError",
    "Subnet",
    "Supernet",
    "backbone_mac_costs",
    "build_subnet",
    "example_input",
    "load_supernet",
    "mac_costs",
    "macs",
    "make_divisible",
    "parameter_costs",
    "parameters",
    "read_supernet",
    "recalibrate_batch_norm",
    "resolution_of",
    "save_supernet",
    "splice",
]
