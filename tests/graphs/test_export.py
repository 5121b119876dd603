"""Any torch module becomes a graph of primitive operations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autobuild_pipelines.graphs import OperatorGraphError, operator_graph
from autobuild_pipelines.graphs.operations import OPERATIONS
from operator_graphs import counted, readings

pytestmark = pytest.mark.filterwarnings("ignore:The tensor attributes")  # of torch's recurrent layers


class Net(nn.Module):
    """A user's network: strided and grouped convolutions, a skip, a concatenation, attention, a recurrence."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, (3, 5), 2, padding="valid", bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.blocks = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1, groups=4) for _ in range(2)])
        self.up = nn.ConvTranspose2d(8, 4, 2, 2, groups=2)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.recurrent = nn.GRU(8, 4, batch_first=True)
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.stem(x)))
        for block in self.blocks:
            x = x + block(x)
        up = self.up(x).mean((2, 3))
        tokens = self.encoder(x.flatten(2).transpose(1, 2))
        first, second = tokens.chunk(2, -1)
        similarity = torch.einsum("ntc,nsc->nts", first, second).softmax(-1)
        states, _ = self.recurrent(self.drop(similarity @ tokens))
        y: Tensor = self.out(torch.cat([states[:, -1], up], dim=1))
        return y


def graph_of(function: object, *inputs: Tensor, **settings: bool) -> list[str]:
    """Operations of a module, or of a function of tensors."""

    class Module(nn.Module):
        def forward(self, *given: Tensor) -> Tensor:
            made: Tensor = function(*given)  # type: ignore[operator]
            return made

    module = function if isinstance(function, nn.Module) else Module()
    return list(operator_graph(module, inputs, **settings).operations)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_users_own_module_becomes_a_graph_whose_macs_are_those_that_torch_counts(batch: int) -> None:
    network, images = Net(), torch.zeros(batch, 3, 19, 19)
    graph = operator_graph(network, (images,))
    assert graph.macs.sum() * batch == counted(network.eval(), (images,))
    assert set(graph.operations) - set(OPERATIONS) == {"einsum"}
    assert not {"batch_norm", "dropout"} & set(graph.operations)


def test_nodes_say_what_they_are_where_they_stand_and_what_flows_through_them() -> None:
    graph = operator_graph(Net(), (torch.zeros(1, 3, 19, 19),))
    assert graph.operations[:4] == ("conv", "relu", "conv", "add")
    kernel = {"kernel": 3, "kernel_w": 5, "stride": 2, "padding": 0, "dilation": 1, "groups": 1}
    assert graph.attributes[0] == {**kernel, "bias": 1}, "the folded batch norm is a bias"
    assert graph.in_shapes[0].tolist() == [3, 19, 19]
    assert graph.out_shapes[0].tolist() == [8, 9, 8]
    assert graph.names[:4] == ("stem", "", "blocks.0", "")
    assert graph.parts[:4] == ("stem", "network", "blocks 0", "network")
    assert graph.edges[:, :5].T.tolist() == [[0, 1], [1, 2], [1, 3], [2, 3], [3, 4]]
    attention = graph.operations.index("attention")
    assert graph.attributes[attention] == {"heads": 2}
    assert graph.out_shapes[attention].tolist() == [8, 72, 1]


def test_parts_of_the_network_are_named_by_the_user() -> None:
    graph = operator_graph(Net(), (torch.zeros(1, 3, 19, 19),), parts=lambda path: path.split(".")[0].upper())
    assert {"STEM", "BLOCKS", "ENCODER", ""} < set(graph.parts)


def test_a_batch_norm_stays_where_it_is_asked_to_or_where_others_read_the_convolution() -> None:
    pair = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    images = torch.zeros(1, 3, 8, 8)
    assert graph_of(pair, images) == ["conv"]
    assert graph_of(pair, images, fold=False) == ["conv", "batch_norm"]

    class Read(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            between = self[0](x)
            return between + self[1](between)

    assert graph_of(Read(*pair), images) == ["conv", "batch_norm", "add"]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (nn.Hardswish(), "h_swish"),
        (lambda x: x * F.relu6(x + 3) / 6, "h_swish"),
        (lambda x: x * (F.relu6(x + 3) / 6), "h_swish"),
        (lambda x: x * F.hardsigmoid(x), "h_swish"),
        (nn.Hardsigmoid(), "h_sigmoid"),
        (lambda x: F.hardtanh(x + 3, 0, 6) * (1 / 6), "h_sigmoid"),
        (lambda x: x * torch.sigmoid(x), "silu"),
        (lambda x: x.clamp(0, 6), "relu6"),
        (lambda x: x.clamp_min(0), "relu"),
        (lambda x: x.clamp(-1, 1), "clamp"),
    ],
)
def test_an_activation_is_one_node_however_it_is_written(function: object, name: str) -> None:
    assert graph_of(function, torch.zeros(1, 4, 8, 8)) == [name]


def test_a_gate_of_other_values_is_no_activation() -> None:
    assert graph_of(lambda x, y: x * torch.sigmoid(y), torch.zeros(1, 4), torch.zeros(1, 4)) == ["sigmoid", "mul"]


def test_what_only_rearranges_or_changes_nothing_is_no_node() -> None:
    def rearranged(x: Tensor) -> Tensor:
        y = F.dropout(x.permute(0, 2, 3, 1), 0.5, training=False).contiguous().view(1, -1)
        return ((y.clone().double() * 1 + 0) / 1.0).relu()

    assert graph_of(rearranged, torch.zeros(1, 4, 8, 8)) == ["relu"]


def test_what_depends_on_no_input_is_no_node() -> None:
    table = torch.arange(4.0)
    assert graph_of(lambda x: x * torch.exp(table * 2).sin(), torch.zeros(1, 4)) == ["mul"]


def test_a_bias_that_is_added_is_the_layers_own() -> None:
    class Added(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return F.linear(x, self.weight) + self.bias

    graph = operator_graph(Added(6, 4), (torch.zeros(1, 6),))
    assert (graph.operations, graph.attributes) == (("linear",), ({"bias": 1},))


def test_blocks_without_gradients_are_seen_through() -> None:
    def frozen(x: Tensor) -> Tensor:
        with torch.no_grad():
            y = x.relu()
        return y.sigmoid()

    assert graph_of(frozen, torch.zeros(1, 4)) == ["relu", "sigmoid"]


def test_an_unknown_operation_keeps_its_name() -> None:
    assert graph_of(lambda x: x.cumsum(1).relu(), torch.zeros(1, 4)) == ["cumsum", "relu"]


def test_several_inputs_and_outputs_are_followed() -> None:
    class Several(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, list[Tensor]]:
            both = x.relu() + y.sigmoid()
            return both, [both.exp()]

    graph = operator_graph(Several(), (torch.zeros(1, 4), torch.zeros(1, 4)))
    assert graph.operations == ("relu", "sigmoid", "add", "exp")
    assert readings(graph, "add") == [["relu", "sigmoid"]]


def test_a_module_that_is_used_twice_has_one_path() -> None:
    class Twice(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return self[0](self[0](x))

    assert operator_graph(Twice(nn.Linear(4, 4)), (torch.zeros(1, 4),)).names == ("0", "0")


def test_the_modules_mode_is_left_as_it_is() -> None:
    network = Net()
    network.norm.eval()
    operator_graph(network, (torch.zeros(1, 3, 19, 19),))
    assert network.training
    assert network.drop.training
    assert not network.norm.training


def test_a_module_that_cannot_be_exported_is_an_error_that_names_it_and_says_why() -> None:
    class Undecided(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.relu() if x.sum() > 0 else x

    with pytest.raises(OperatorGraphError, match=r"^Undecided: torch\.export cannot export it: .*data-dependent"):
        operator_graph(Undecided(), (torch.zeros(1, 4),))
