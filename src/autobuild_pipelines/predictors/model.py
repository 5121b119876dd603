"""The AutoBuild predictor: FE-MLP, message passing, a graph embedding at every hop level, a head (§7.1, Eqs. 2-3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autobuild_pipelines.graphs import FeatureSchema, SequenceGraphs
from autobuild_pipelines.predictors.additive import AdditiveTerm
from autobuild_pipelines.predictors.layers import (
    LAYERS,
    ChainLayer,
    GATv2Layer,
    GraphConvLayer,
    MemberBatchNorm,
    MemberLinear,
)

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"ReLU": F.relu, "LeakyReLU": F.leaky_relu}


@dataclass(frozen=True)
class ModelSettings:
    """Architecture of a predictor; the defaults are the paper's (§7.1).

    Attributes:
        layer: Message-passing layer, a key of `LAYERS`.
        hidden: Width of node embeddings from hop 1 on.
        layers: Message-passing layers M.
        aggregation: "mean" (Eq. 2) or "sum" (§7.4) over nodes.
        activation: After each message-passing layer, a key of `ACTIVATIONS`.
        head_activation: Before the last linear layer.
        embedding: Width of each FE-MLP category's embedding. The paper does not give it; the wider, the sooner the
            scalars learn at the paper's learning rate.
        lift: Width of a linear layer and ReLU between the 0-hop embedding and the first message passing, 0 for none
            (the paper's). GATv2 is linear in its inputs but for the attention, so without it a node's embedding is a
            sum of what its features contribute: the effect of expansion cannot depend on the stage.
        residual: Whether GATv2 layers have a learnable skip connection (torch_geometric's `residual`; the paper's have
            none). GATv2 averages over a node and those before it with the same weights for both, so that without it a
            node's own features cannot count otherwise than its predecessors'.
        additive: Whether an `AdditiveTerm` stands beside the head (the paper has none).
        head_norm: Whether graph embeddings go through batch norm, over graphs, before the head (the paper's do not).
            Predictors of operator graphs have the choice: means over many nodes differ little from graph to graph.
    """

    layer: str = "GATv2Conv"
    hidden: int = 32
    layers: int = 4
    aggregation: str = "mean"
    activation: str = "ReLU"
    head_activation: str = "ReLU"
    embedding: int = 128
    lift: int = 0
    residual: bool = False
    additive: bool = False
    head_norm: bool = False

    def __post_init__(self) -> None:
        for key, value, known in (
            ("layer", self.layer, LAYERS),
            ("aggregation", self.aggregation, ("mean", "sum")),
            ("activation", self.activation, ACTIVATIONS),
            ("head_activation", self.head_activation, ACTIVATIONS),
        ):
            if value not in known:
                raise ValueError(f"predictors.model.{key}: {value!r} is not one of {sorted(known)}")
        if self.residual and self.layer != "GATv2Conv":
            raise ValueError(f"predictors.model.residual: only GATv2Conv has one, not {self.layer}")

    def to_json(self) -> dict[str, Any]:
        """Plain values for a model card."""
        return asdict(self)


class FEMLP(nn.Module):
    """Feature embedding: one small network per category, each ending in one scalar; then abs (§7.1).

    Embedded categories: embedding then linear to 1. Scaled numeric categories: linear 1 to `width` to 1 with nothing
    between. Since every category has finitely many values, the module is a table of one scalar per value.

    Args:
        schema: Categories and their values.
        members: Independent predictors.
        width: Width of every category's embedding.
    """

    order: Tensor
    category: Tensor
    scaled: Tensor
    numeric: Tensor

    def __init__(self, schema: FeatureSchema, members: int, width: int) -> None:
        super().__init__()
        categories = list(enumerate(schema.categories))
        embedded = [i for i, c in categories if c.scaled is None for _ in c.values]
        numeric = [i for i, c in categories if c.scaled is not None for _ in c.values]
        lines = [i for i, c in categories if c.scaled is not None]
        self.embedding = nn.Parameter(torch.randn(members, len(embedded), width))
        self.slope = _uniform(members, len(lines), width, bound=1.0)
        self.intercept = _uniform(members, len(lines), width, bound=1.0)
        self.projection = _uniform(members, len(categories), width, bound=width**-0.5)
        self.projection_bias = _uniform(members, len(categories), bound=width**-0.5)
        # Where each value stands: rows of embedded categories first, then of numeric ones; `order` undoes that.
        values = torch.tensor([*embedded, *numeric])
        self.register_buffer("order", torch.argsort(values, stable=True), persistent=False)
        self.register_buffer("category", values.sort(stable=True).values, persistent=False)
        scaled = [value for c in schema.categories for value in c.scaled or ()]
        self.register_buffer("scaled", torch.tensor(scaled, dtype=torch.float32)[:, None], persistent=False)
        line_of = torch.tensor([lines.index(i) for i in numeric], dtype=torch.int64)
        self.register_buffer("numeric", line_of, persistent=False)

    def scalars(self) -> Tensor:
        """[members, values of all categories] the scalar of every value before abs, categories one after the other."""
        rows: Tensor = self.embedding
        if len(self.numeric):
            lines = self.scaled * self.slope.index_select(1, self.numeric)
            rows = torch.cat([rows, lines + self.intercept.index_select(1, self.numeric)], dim=1)
            rows = rows.index_select(1, self.order)
        product = (rows * self.projection.index_select(1, self.category)).sum(-1)
        return product + self.projection_bias.index_select(1, self.category)

    def forward(self, features: Tensor) -> Tensor:
        """0-hop embeddings.

        Args:
            features: [words, categories] int64 as `Vocabulary.features`.

        Returns:
            [members, words, categories].
        """
        table = self.scalars().abs()
        return table.index_select(1, features.reshape(-1)).view(len(table), *features.shape)


def _uniform(*shape: int, bound: float) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


class GraphPredictor(nn.Module):
    """FE-MLP, M message-passing layers and a regression head, for `members` predictors at once.

    Args:
        schema: Node features.
        settings: Widths, depths, activations.
        members: Number of stacked predictors (targets, or members of an ensemble).

    Outputs are standardised labels; `TrainedPredictors` puts them back on the label's scale.
    """

    def __init__(self, schema: FeatureSchema, settings: ModelSettings, members: int = 1) -> None:
        super().__init__()
        self.schema, self.settings, self.members = schema, settings, members
        count = len(schema.categories)
        self.fe_mlp = FEMLP(schema, members, settings.embedding)
        self.lift = MemberLinear(members, count, settings.lift) if settings.lift else None
        sizes = [settings.lift or count] + [settings.hidden] * settings.layers
        kind, options = LAYERS[settings.layer], {"residual": True} if settings.residual else {}
        self.layers = nn.ModuleList(kind(members, a, b, **options) for a, b in pairwise(sizes))
        self.norms = nn.ModuleList(MemberBatchNorm(members, settings.hidden) for _ in range(settings.layers))
        self.head_norm = MemberBatchNorm(members, settings.hidden) if settings.head_norm else None
        self.head = nn.ModuleList(MemberLinear(members, settings.hidden, settings.hidden) for _ in range(4))
        self.regressor = MemberLinear(members, settings.hidden, 1)
        self.additive = AdditiveTerm(schema, members) if settings.additive else None

    @property
    def hops(self) -> int:
        """M, the number of message-passing layers."""
        return self.settings.layers

    def forward(self, features: Tensor, graphs: SequenceGraphs) -> tuple[Tensor, list[Tensor]]:
        """Predictions and graph embeddings of a batch.

        Args:
            features: [words, categories] int64 features of the vocabulary.
            graphs: n sequence graphs.

        Returns:
            Predictions [members, n] and the graph embeddings of hop 0 to M, each [members, n, width].
        """
        embeddings = [self.pool(h, graphs) for h in self.node_embeddings(features, graphs)]
        predicted = self.regress(embeddings[-1])
        if self.additive is not None:
            predicted = predicted + self.additive(features, graphs)
        return predicted, embeddings

    def node_embeddings(self, features: Tensor, graphs: SequenceGraphs) -> list[Tensor]:
        """Node embeddings of hop 0 to M, each [members, nodes, width]."""
        words = self.fe_mlp(features)
        hidden = [words.index_select(1, graphs.nodes)]
        received = self.receive(0, words).index_select(1, graphs.nodes)
        linked = torch.ones(len(graphs.nodes), 1, device=graphs.nodes.device)
        linked[graphs.starts] = 0.0
        for hop in range(self.hops):
            out = self.layer(hop).on_chains(received, linked)
            received = self.finish(hop, out, hidden[-1])
            hidden.append(received)
        return hidden

    def receive(self, hop: int, nodes: Tensor) -> Tensor:
        """What the message passing from `hop` on works with: the hop's embeddings [members, nodes, width], at hop 0
        lifted."""
        return nodes if hop or self.lift is None else F.relu(self.lift(nodes))

    def finish(self, hop: int, out: Tensor, previous_hop: Tensor) -> Tensor:
        """Batch norm, activation and (from the second layer on) the skip connection after message passing."""
        out = ACTIVATIONS[self.settings.activation](self.norms[hop](out))
        return out if hop == 0 else out + previous_hop

    def layer(self, hop: int) -> ChainLayer:
        """Message-passing layer that leads from hop to hop + 1."""
        layer = self.layers[hop]
        assert isinstance(layer, GATv2Layer | GraphConvLayer)
        return layer

    def members_at(self, members: Sequence[int]) -> GraphPredictor:
        """A copy of some of the members, in the order given."""
        part = GraphPredictor(self.schema, self.settings, len(members)).to(self.regressor.weight.device)
        part.load_state_dict({key: value[list(members)] for key, value in self.state_dict().items()})
        return part

    def set_members(self, members: range, part: GraphPredictor) -> None:
        """Take over what the copy `part` of these members has learned."""
        with torch.no_grad():
            state = self.state_dict()
            for key, value in part.state_dict().items():
                state[key][members.start : members.stop].copy_(value)

    def batch_norms(self) -> list[MemberBatchNorm]:
        """The batch norm after each message-passing layer."""
        return [norm for norm in self.norms if isinstance(norm, MemberBatchNorm)]

    def pool(self, nodes: Tensor, graphs: SequenceGraphs) -> Tensor:
        """Graph embeddings [members, n, width]: mean (Eq. 2) or sum of node embeddings."""
        out = nodes.new_zeros(len(nodes), len(graphs), nodes.shape[2]).index_add(1, graphs.graph_of_nodes, nodes)
        return out if self.settings.aggregation == "sum" else out / graphs.lengths[:, None]

    def regress(self, embedding: Tensor) -> Tensor:
        """Head (Eq. 3): standardised predictions [members, n] from graph embeddings [members, n, hidden]."""
        x = embedding if self.head_norm is None else self.head_norm(embedding)
        x = self.head[1](self.head[0](x))
        x = self.head[3](self.head[2](F.relu(x)))
        return self.regressor(ACTIVATIONS[self.settings.head_activation](x)).squeeze(-1)  # type: ignore[no-any-return]
