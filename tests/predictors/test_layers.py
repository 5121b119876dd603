"""Message-passing layers against torch_geometric's, on random graphs and on chains."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch_geometric.nn import GATv2Conv, GraphConv

from autobuild_pipelines.predictors.layers import GATv2Layer, GraphConvLayer, MemberBatchNorm


def random_graph(seed: int, nodes: int = 30, edges: int = 90) -> tuple[torch.Tensor, torch.Tensor]:
    """Node inputs and a random directed edge list with repeated edges and self-loops."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(nodes, 6, generator=generator), torch.randint(nodes, (2, edges), generator=generator)


def gatv2_like(theirs: GATv2Conv) -> GATv2Layer:
    """Our layer with torch_geometric's weights."""
    ours = GATv2Layer(1, 6, 8, residual=theirs.res is not None)
    with torch.no_grad():
        if ours.residual is not None:
            ours.residual.weight.copy_(theirs.res.weight.T[None])
        for linear, source in ((ours.left, theirs.lin_l), (ours.right, theirs.lin_r)):
            linear.weight.copy_(source.weight.T[None])
            linear.bias.copy_(source.bias[None, None])
        ours.attention.copy_(theirs.att)
        ours.bias.copy_(theirs.bias[None, None])
    return ours


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_gatv2_equals_torch_geometrics_on_random_graphs(seed: int, residual: bool) -> None:
    torch.manual_seed(seed)
    theirs = GATv2Conv(6, 8, residual=residual)
    torch.nn.init.normal_(theirs.bias)
    x, edge_index = random_graph(seed)
    torch.testing.assert_close(
        gatv2_like(theirs).on_graph(x[None], edge_index)[0], theirs(x, edge_index), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("seed", range(5))
def test_graph_conv_equals_torch_geometrics_on_random_graphs(seed: int) -> None:
    torch.manual_seed(seed)
    theirs = GraphConv(6, 8)
    ours = GraphConvLayer(1, 6, 8)
    with torch.no_grad():
        ours.neighbours.weight.copy_(theirs.lin_rel.weight.T[None])
        ours.neighbours.bias.copy_(theirs.lin_rel.bias[None, None])
        ours.root.weight.copy_(theirs.lin_root.weight.T[None])
    x, edge_index = random_graph(seed)
    torch.testing.assert_close(ours.on_graph(x[None], edge_index)[0], theirs(x, edge_index), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", [GATv2Layer, partial(GATv2Layer, residual=True), GraphConvLayer])
def test_the_chain_form_equals_the_graph_form_and_so_does_its_gradient(
    kind: Callable[[int, int, int], GATv2Layer | GraphConvLayer],
) -> None:
    torch.manual_seed(0)
    layer = kind(3, 5, 7).double()
    x = torch.randn(3, 11, 5, dtype=torch.float64, requires_grad=True)
    starts = [0, 4, 9]
    linked = torch.ones(11, 1, dtype=torch.float64)
    linked[starts] = 0
    edges = torch.tensor([[i - 1, i] for i in range(11) if i not in starts]).T
    weight = torch.randn(3, 11, 7, dtype=torch.float64)
    values, gradients = [], []
    for out in (layer.on_chains(x, linked), layer.on_graph(x, edges)):
        values.append(out)
        gradients.append(torch.autograd.grad((out * weight).sum(), [x, *layer.parameters()]))
    torch.testing.assert_close(*values)
    for ours, reference in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, reference)


def test_batch_norm_of_members_equals_torchs_of_each_member_alone() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 40, 3)
    ours = MemberBatchNorm(2, 3)
    alone = [torch.nn.BatchNorm1d(3) for _ in range(2)]
    torch.testing.assert_close(ours(x), torch.stack([norm(part) for norm, part in zip(alone, x, strict=True)]))
    ours.eval()
    expected = torch.stack([norm.eval()(part) for norm, part in zip(alone, x, strict=True)])
    torch.testing.assert_close(ours(x), expected)
