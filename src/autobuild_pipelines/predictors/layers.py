"""Message-passing layers, one set of weights per member of an ensemble, on chains and on any directed graph.

Every layer is two steps: `project` turns node inputs into a message and an own part, `combine` joins a node's own part
with the message of the node before it. On a chain that is the whole layer, with no scatter; `on_graph` is the same
layer on an arbitrary edge list. Weights of `members` independent predictors are stacked along the first axis, so that
all targets of a space (or an ensemble) train in one pass.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOMENTUM = 0.1
"""Weight of the current batch in batch norm's running moments (torch's default)."""


class MemberLinear(nn.Module):
    r"""A linear layer for each member: :math:`y_e = x_e W_e + b_e`.

    **Shapes:** input [members, nodes, inputs] (or [1, nodes, inputs], shared), output [members, nodes, outputs].
    """

    def __init__(self, members: int, inputs: int, outputs: int, *, bias: bool = True, glorot: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs)) if bias else None
        bound = math.sqrt(6 / (inputs + outputs)) if glorot else 1 / math.sqrt(inputs)
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs))

    def forward(self, x: Tensor) -> Tensor:
        """Apply every member's weights to its inputs."""
        x = x.expand(len(self.weight), -1, -1)
        return torch.bmm(x, self.weight) if self.bias is None else torch.baddbmm(self.bias, x, self.weight)


class MemberBatchNorm(nn.Module):
    r"""Batch norm over nodes, separately for each member and feature.

    **Shapes:** [members, nodes, features] to the same.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, members: int, features: int, *, momentum: float = MOMENTUM, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(members, features))
        self.bias = nn.Parameter(torch.zeros(members, features))
        self.register_buffer("running_mean", torch.zeros(members, features))
        self.register_buffer("running_var", torch.ones(members, features))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise by the batch's moments when training, by the running ones otherwise."""
        members, nodes, features = x.shape
        if not self.training:
            scale = self.weight * torch.rsqrt(self.running_var + self.eps)
            return x * scale[:, None] + (self.bias - self.running_mean * scale)[:, None]
        # Nodes first, members and features side by side: torch's own kernel normalises every column at once.
        flat = x.transpose(0, 1).reshape(nodes, members * features)
        out = F.batch_norm(
            flat,
            self.running_mean.view(-1),
            self.running_var.view(-1),
            self.weight.view(-1),
            self.bias.view(-1),
            training=True,
            momentum=self.momentum,
            eps=self.eps,
        )
        return out.view(nodes, members, features).transpose(0, 1)


class GATv2Layer(nn.Module):
    r"""Graph attention (GATv2, Brody et al. 2022) with self-loops and one head, as AutoBuild uses it (§7.1).

    .. math::
        h_i' = \sum_{j \in N(i) \cup \{i\}} \alpha_{ij} W_l h_j + b, \qquad
        \alpha_{ij} = \mathrm{softmax}_j\; a^\top \mathrm{LeakyReLU}(W_l h_j + W_r h_i)

    On a chain N(i) is the one node before i, so the softmax over two terms is a sigmoid.

    **Shapes:** input [members, nodes, inputs], output [members, nodes, outputs].

    Args:
        residual: Whether :math:`W_r' h_i` is added to the output (torch_geometric's `residual`): a node's own features
            then do not have to go through the weights of those before it.
    """

    slope = 0.2

    def __init__(self, members: int, inputs: int, outputs: int, *, residual: bool = False) -> None:
        super().__init__()
        self.left = MemberLinear(members, inputs, outputs, glorot=True)
        self.right = MemberLinear(members, inputs, outputs, glorot=True)
        self.attention = nn.Parameter(torch.empty(members, 1, outputs))
        bound = math.sqrt(6 / (1 + outputs))
        nn.init.uniform_(self.attention, -bound, bound)
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))
        self.residual = MemberLinear(members, inputs, outputs, bias=False, glorot=True) if residual else None

    def project(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Message W_l h [members, nodes, outputs], and the own part [..., 2 or 3, outputs]: W_l h, W_r h, and what the
        residual adds, if there is one."""
        left = self.left(x)
        own = [left, self.right(x)] if self.residual is None else [left, self.right(x), self.residual(x)]
        return left, torch.stack(own, dim=-2)

    def combine(self, previous: Tensor | None, own: Tensor) -> Tensor:
        """Output of nodes from the messages of the nodes before them.

        Args:
            previous: Messages, broadcastable to [members, nodes, outputs]; None where no node has a predecessor.
            own: From `project`.
        """
        left, right, *residual = own.unbind(-2)
        bias = self.bias + residual[0] if residual else self.bias
        if previous is None:
            return left + bias
        gap = F.leaky_relu(previous + right, self.slope) - F.leaky_relu(left + right, self.slope)
        share = torch.sigmoid((gap * self.attention).sum(-1, keepdim=True))
        return left + share * (previous - left) + bias

    def on_chains(self, x: Tensor, linked: Tensor) -> Tensor:
        """The layer on a run of chains; linked [nodes, 1] is 1.0 where the node before is the predecessor, else 0.0."""
        out = _attend(self.left(x), self.right(x), self.attention, linked, self.slope) + self.bias
        return out if self.residual is None else out + self.residual(x)

    def on_windows(self, x: Tensor, own: Tensor, previous: Tensor, linked: Tensor) -> Tensor:
        """The layer from the distinct windows of one hop to those of the next.

        Args:
            x: [members, windows, inputs].
            own, previous: [k] int64 windows of a node and of the one before it; its own where there is none.
            linked: [k, 1] 1.0 where there is one, else 0.0.

        Returns:
            [members, k, outputs].
        """
        message, mine = self.project(x)
        # A node that is its own predecessor gets the mean of twice the same.
        return self.combine(message.index_select(1, previous), mine.index_select(1, own))

    def on_graph(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """The layer on any directed graph, edge_index [2, edges] (source, target); self-loops are added."""
        edge_index = edge_index[:, edge_index[0] != edge_index[1]]
        return self.on_edges(x, torch.arange(x.shape[1], device=x.device), edge_index[0], edge_index[1])

    def on_edges(self, x: Tensor, own: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """The layer from some nodes to others, each of which receives from its sources and from its own node.

        Args:
            x: [members, nodes, inputs].
            own: [k] the node that each output continues.
            source, target: [edges] nodes and the outputs (0 to k - 1) that they send to.

        Returns:
            [members, k, outputs].
        """
        source = torch.cat([source, own])
        target = torch.cat([target, torch.arange(len(own), device=x.device)])
        left, right = self.left(x), self.right(x)
        message = left.index_select(1, source)
        asked = message + right.index_select(1, own.index_select(0, target))
        logits = (F.leaky_relu(asked, self.slope) * self.attention).sum(-1)
        index = target.expand(len(logits), -1)
        lowest = logits.new_full((len(logits), len(own)), -math.inf)
        highest = lowest.scatter_reduce(1, index, logits.detach(), "amax")
        weight = torch.exp(logits - highest.gather(1, index))
        total = torch.zeros_like(highest).scatter_add(1, index, weight)
        share = (weight / total.gather(1, index)).unsqueeze(-1)
        received: Tensor = left.new_zeros(len(left), len(own), left.shape[2])
        out = received.index_add(1, target, share * message) + self.bias
        return out if self.residual is None else out + self.residual(x).index_select(1, own)


class GraphConvLayer(nn.Module):
    r"""k-GNN layer (Morris et al. 2019), the latency predictors' (§7.4).

    .. math:: h_i' = W_1 h_i + W_2 \sum_{j \in N(i)} h_j + b

    **Shapes:** input [members, nodes, inputs], output [members, nodes, outputs].
    """

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.neighbours = MemberLinear(members, inputs, outputs)
        self.root = MemberLinear(members, inputs, outputs, bias=False)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Message W_2 h and own part W_1 h + b, both [members, nodes, outputs]."""
        weight = self.neighbours.weight
        assert self.neighbours.bias is not None
        message = torch.bmm(x.expand(len(weight), -1, -1), weight)
        return message, self.root(x) + self.neighbours.bias

    def combine(self, previous: Tensor | None, own: Tensor) -> Tensor:
        """Output of nodes from the messages of the nodes before them; arguments as in `GATv2Layer.combine`."""
        return own if previous is None else own + previous

    def on_chains(self, x: Tensor, linked: Tensor) -> Tensor:
        """The layer on a run of chains; linked [nodes, 1] as in `GATv2Layer.on_chains`."""
        message, own = self.project(x)
        return own + message.roll(1, dims=1) * linked

    def on_windows(self, x: Tensor, own: Tensor, previous: Tensor, linked: Tensor) -> Tensor:
        """The layer between distinct windows; arguments as in `GATv2Layer.on_windows`."""
        message, mine = self.project(x)
        return mine.index_select(1, own) + message.index_select(1, previous) * linked

    def on_graph(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """The layer on any directed graph, edge_index [2, edges] (source, target)."""
        return self.on_edges(x, torch.arange(x.shape[1], device=x.device), edge_index[0], edge_index[1])

    def on_edges(self, x: Tensor, own: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """The layer from some nodes to others; arguments as in `GATv2Layer.on_edges`."""
        message, mine = self.project(x)
        return mine.index_select(1, own).index_add(1, target, message.index_select(1, source))


class _ChainAttention(torch.autograd.Function):
    """GATv2 on chains with a hand-written gradient: a third of the passes over memory that autograd would make."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, attention: Tensor, linked: Tensor, slope: float) -> Tensor:
        previous = _shift(left)
        gap = F.leaky_relu_(previous + right, slope).sub_(F.leaky_relu_(left + right, slope))
        share = torch.bmm(gap, attention.transpose(1, 2)).sigmoid_().mul_(linked)
        ctx.slope = slope
        ctx.save_for_backward(left, right, attention, share, gap)
        return previous.sub_(left).mul_(share).add_(left)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        left, right, attention, share, gap = ctx.saved_tensors
        (grad,) = gradients
        previous = _shift(left)
        # Through the share: d(out)/d(share) = previous - left, d(sigmoid) = share (1 - share), zero where unlinked.
        logit = ((previous - left).mul_(grad).sum(-1, keepdim=True)).mul_(share).mul_(1 - share)
        grad_attention = torch.bmm(logit.transpose(1, 2), gap)
        through = logit * attention
        slope_of = torch.ops.aten.leaky_relu_backward
        from_previous = slope_of(through, previous.add_(right), ctx.slope, False)
        from_left = slope_of(through, torch.add(left, right, out=previous), ctx.slope, False)
        shared = torch.mul(grad, share, out=through)
        grad_left = (grad - shared).sub_(from_left)
        to_previous = shared.add_(from_previous)
        grad_left[:, :-1] += to_previous[:, 1:]
        return grad_left, from_previous.sub_(from_left), grad_attention, None, None


def _shift(x: Tensor) -> Tensor:
    """Every node's predecessor in the run of chains; the first node, which has none, gets itself."""
    out = torch.empty_like(x)
    out[:, 1:] = x[:, :-1]
    out[:, :1] = x[:, :1]
    return out


def _attend(left: Tensor, right: Tensor, attention: Tensor, linked: Tensor, slope: float) -> Tensor:
    return _ChainAttention.apply(left, right, attention, linked, slope)  # type: ignore[no-untyped-call, no-any-return]


ChainLayer = GATv2Layer | GraphConvLayer
LAYERS: dict[str, type[GATv2Layer] | type[GraphConvLayer]] = {"GATv2Conv": GATv2Layer, "GraphConv": GraphConvLayer}
"""Message-passing layers by the name that configurations use (torch_geometric's)."""
