"""Real networks of architectures: definitions as data, torch modules, supernets, U-Nets, exact MACs and parameters."""

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
from autobuild_pipelines.networks.operator_graphs import operator_graphs
from autobuild_pipelines.networks.supernet import Supernet, splice
from autobuild_pipelines.networks.supernet_weights import load_supernet, read_supernet, save_supernet
from autobuild_pipelines.networks.unet import InpaintingUNet
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_costs import UNetCostTable
from autobuild_pipelines.networks.unet_definition import UNetDefinition, read_network

__all__ = [
    "Costs",
    "InpaintingUNet",
    "LayerCosts",
    "NetworkDefinition",
    "NetworkError",
    "Subnet",
    "Supernet",
    "UNetArchitecture",
    "UNetCostTable",
    "UNetDefinition",
    "backbone_mac_costs",
    "build_subnet",
    "example_input",
    "load_supernet",
    "mac_costs",
    "macs",
    "make_divisible",
    "operator_graphs",
    "parameter_costs",
    "parameters",
    "read_network",
    "read_supernet",
    "recalibrate_batch_norm",
    "resolution_of",
    "save_supernet",
    "splice",
]
