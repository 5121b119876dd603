"""Trained predictors of operator graphs: what they predict, and the embedding norm of every node at every hop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autobuild_pipelines.graphs.features import FeatureSchema
from autobuild_pipelines.graphs.operator_batch import HopClasses, OperatorBatch
from autobuild_pipelines.graphs.operator_features import Packed
from autobuild_pipelines.predictors.model import GraphPredictor
from autobuild_pipelines.predictors.operator_pass import class_pass
from autobuild_pipelines.predictors.stacked import StackedPredictors
from autobuild_pipelines.predictors.threads import keep_freed_memory

PART = 128
"""Graphs at a time where nothing is learned."""


@dataclass(frozen=True, eq=False)
class OperatorPredictors(StackedPredictors):
    """Predictors that read operator graphs, one or an ensemble per target.

    Attributes:
        name: What the graphs are of, a space's name.
        targets: Names of the targets; the members of the first come first in everything stacked.
        equations: The target equations, by name.
        model: The stacked networks, in evaluation mode.
        label_mean, label_std: [targets] moments that standardised the labels.
        hop_mean, hop_std: [members, M + 1] moments of node-embedding L1 norms over all nodes of the training graphs.
        provenance: Seed, settings and whatever else the card records.
    """

    name: str
    targets: tuple[str, ...]
    equations: dict[str, str]
    model: GraphPredictor
    label_mean: NDArray[np.float64]
    label_std: NDArray[np.float64]
    hop_mean: NDArray[np.float64]
    hop_std: NDArray[np.float64]
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def schema(self) -> FeatureSchema:
        """The node features that they know."""
        return self.model.schema

    @property
    def hops(self) -> int:
        """M, the number of message-passing layers."""
        return self.model.hops

    def read(self, packed: Packed) -> OperatorBatch:
        """Packed graphs as a batch for these predictors.

        Raises:
            OperatorFeatureError: They have an operation or an attribute's value that training had not.
        """
        return OperatorBatch.from_packed(packed, self.schema)

    def predict(self, graphs: OperatorBatch) -> NDArray[np.float64]:
        """[targets, n] predicted targets on their own scale, means of ensembles."""
        return self.describe(graphs)[0]

    def describe(self, graphs: OperatorBatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predictions [targets, n] as `predict`, and graph-embedding L1 norms [targets, ensemble, M + 1, n]."""
        members = self.model.members
        predictions, norms = [np.empty((members, 0))], [np.empty((members, self.hops + 1, 0))]
        for predicted, embeddings, _, _ in run(self.model, graphs):
            predictions.append(predicted.double().cpu().numpy())
            norms.append(torch.stack([e.abs().sum(-1) for e in embeddings], dim=1).double().cpu().numpy())
        standardised: NDArray[np.float64] = self.by_target(np.concatenate(predictions, axis=1)).mean(axis=1)
        return self.rescale(standardised), self.by_target(np.concatenate(norms, axis=2))

    def node_norms(self, graphs: OperatorBatch) -> NDArray[np.float32]:
        """[members, M + 1, N] L1 norm of every node's embedding at every hop."""
        found = [np.empty((self.model.members, self.hops + 1, 0), dtype=np.float32)]
        found += [norms.cpu().numpy() for norms in each_node_norms(self.model, graphs)]
        return np.concatenate(found, axis=2)

    def node_scores(self, graphs: OperatorBatch) -> NDArray[np.float32]:
        r"""[targets, M + 1, N] how far a node's norm stands above others of its hop, the second factor of Eq. 5:

        .. math:: (\lVert h^m_v \rVert_1 - \mu^h_m) / \sigma^h_m

        in standard deviations over the training graphs' nodes; the mean over an ensemble's members. Operator graphs
        have no units, whose label moments Eq. 5 would put it on.
        """
        scores = self.node_norms(graphs)
        scores -= self.hop_mean[:, :, None].astype(np.float32)
        scores /= np.maximum(self.hop_std, 1e-12)[:, :, None].astype(np.float32)
        out: NDArray[np.float32] = self.by_target(scores).mean(axis=1)
        return out


Pass = tuple[Tensor, list[Tensor], list[Tensor], list[HopClasses]]
"""Standardised predictions, graph embeddings, embeddings of the classes, and the classes."""


def run(model: GraphPredictor, graphs: OperatorBatch) -> Iterator[Pass]:
    """A pass over graphs, `PART` of them at a time, in the mode that the model is in, without gradients."""
    keep_freed_memory()
    model = reading(model, graphs)
    device = next(model.parameters()).device
    features = torch.from_numpy(graphs.features).to(device)
    hashes = graphs.hashes(model.hops)
    for start in range(0, len(graphs), PART):
        rows = np.arange(start, min(start + PART, len(graphs)))
        classes = graphs.take(rows).classes(hashes[:, graphs.nodes(rows)], device)
        with torch.no_grad():
            found = class_pass(model, features, classes)
        yield *found, classes


def each_node_norms(model: GraphPredictor, graphs: OperatorBatch) -> Iterator[Tensor]:
    """[members, M + 1, nodes] L1 norms of the nodes' embeddings, `PART` graphs at a time."""
    for _, _, hidden, classes in run(model, graphs):
        yield torch.stack(
            [h.abs().sum(-1).index_select(1, level.of_nodes) for h, level in zip(hidden, classes, strict=True)], dim=1
        )


def reading(model: GraphPredictor, graphs: OperatorBatch) -> GraphPredictor:
    """The model with the graphs' schema in place of its own: the same weights, and tables of the graphs' shapes.

    The FE-MLP is a line in a shape, so its weights do not depend on which shapes there are.
    """
    if graphs.schema == model.schema:
        return model
    other = GraphPredictor(graphs.schema, model.settings, model.members)
    other.load_state_dict(model.state_dict())
    return other.to(next(model.parameters()).device).train(model.training)
