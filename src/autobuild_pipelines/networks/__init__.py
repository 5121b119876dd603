"""Real networks of architectures: their definition as data, torch modules, exact MACs and parameters."""

from autobuild_pipelines.networks.costs import LayerCosts, mac_costs, macs, parameter_costs, parameters
from autobuild_pipelines.networks.definition import NetworkDefinition, NetworkError, make_divisible
from autobuild_pipelines.networks.modules import Subnet, build_subnet, example_input, resolution_of

__all__ = [
    "LayerCosts",
    "NetworkDefinition",
    "NetworkError",
    "Subnet",
    "build_subnet",
    "example_input",
    "mac_costs",
    "macs",
    "make_divisible",
    "parameter_costs",
    "parameters",
    "resolution_of",
]
