"""Trained predictors of one space: one per target, evaluated together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autobuild_pipelines.graphs import FeatureSchema, SequenceGraphs, Vocabulary, sequence_graphs
from autobuild_pipelines.predictors.distinct_pass import distinct_pass
from autobuild_pipelines.predictors.model import GraphPredictor
from autobuild_pipelines.predictors.stacked import PredictorError, StackedPredictors
from autobuild_pipelines.predictors.threads import keep_freed_memory
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace
from autobuild_pipelines.torch_threads import torch_threads

CHUNK = 2048

SMALL = 1000
"""Up to so many architectures, such as a generation of a search, operations are too short to be split over threads: the
threads would wait for each other, above all where the machine does something else as well."""


@dataclass(frozen=True, eq=False)
class TrainedPredictors(StackedPredictors):
    """Predictors of one search space, ready to predict and to score modules.

    Each target has an ensemble of one or more; the members of the first target come first in everything stacked.

    Attributes:
        space: The search space they were trained on.
        targets: Names of the targets.
        equations: The target equations, by name.
        model: The stacked networks, in evaluation mode.
        label_mean, label_std: [targets] moments that standardised the labels.
        hop_mean, hop_std: [members, M + 1] moments of node-embedding L1 norms over the training graphs (§7.3).
        provenance: Seed, data hash, settings and whatever else the card records.
    """

    space: SearchSpace
    targets: tuple[str, ...]
    equations: dict[str, str]
    model: GraphPredictor
    label_mean: NDArray[np.float64]
    label_std: NDArray[np.float64]
    hop_mean: NDArray[np.float64]
    hop_std: NDArray[np.float64]
    provenance: dict[str, Any] = field(default_factory=dict)

    def require(self, space: SearchSpace) -> TrainedPredictors:
        """Itself, if it was trained on `space`.

        Raises:
            PredictorError: The space has another name, or other units or features.
        """
        if space.name != self.space.name:
            raise PredictorError(f"predictors were trained on space {self.space.name!r}, not on {space.name!r}")
        ours, theirs = FeatureSchema.of(self.space), FeatureSchema.of(space)
        if ours != theirs or self.space.declaration.units != space.declaration.units:
            raise PredictorError(
                f"space {space.name!r} has changed since its predictors were trained (units or features differ); "
                "run --pipeline=predictors again"
            )
        return self

    def predict(self, array: ArchitectureArray) -> NDArray[np.float64]:
        """[targets, n] predicted targets of encoded architectures, on the targets' own scale: means of ensembles."""
        return self.embed(array)[0]

    def describe(self, array: ArchitectureArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What every member says.

        Returns:
            Predictions [targets, ensemble, n] and graph-embedding L1 norms [targets, ensemble, M + 1, n] (which Eq. 4
            ranks).
        """
        predictions, norms = [], []
        for predicted, embeddings in self._run(array, every_hop=True):
            predictions.append(predicted.cpu())
            norms.append(torch.stack([e.abs().sum(-1) for e in embeddings], dim=1).cpu())
        found = self.by_target(torch.cat(norms, dim=2).double().numpy())
        return self.rescale(self.by_target(torch.cat(predictions, dim=1).double().numpy())), found

    def embed(self, array: ArchitectureArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predictions and what they are made from.

        Returns:
            Predictions [targets, n] as `predict`, and [n, members * width] the graph embeddings of the last hop, all
            members' side by side.
        """
        found = [(p.cpu(), e[-1].transpose(0, 1).flatten(1).cpu()) for p, e in self._run(array, every_hop=False)]
        standardised = self.by_target(torch.cat([p for p, _ in found], dim=1).double().numpy())
        return self.rescale(standardised).mean(axis=1), torch.cat([e for _, e in found]).double().numpy()

    def only(self, targets: Sequence[str]) -> TrainedPredictors:
        """The predictors of some of the targets, in the order given.

        Raises:
            PredictorError: There is no predictor of a target.
        """
        if missing := [target for target in targets if target not in self.targets]:
            raise PredictorError(f"there is no predictor of target {missing[0]!r}, only of {list(self.targets)}")
        rows = [self.targets.index(target) for target in targets]
        members = [row * self.ensemble + member for row in rows for member in range(self.ensemble)]
        return replace(
            self,
            targets=tuple(targets),
            equations={name: text for name, text in self.equations.items() if name in targets},
            model=self.model.members_at(members).eval(),
            label_mean=self.label_mean[rows],
            label_std=self.label_std[rows],
            hop_mean=self.hop_mean[members],
            hop_std=self.hop_std[members],
        )

    def _run(self, array: ArchitectureArray, *, every_hop: bool) -> Iterator[tuple[Tensor, list[Tensor]]]:
        """Standardised predictions and graph embeddings, of every hop or the last, some architectures at a time."""
        keep_freed_memory()
        vocabulary = Vocabulary(self.space)
        features = torch.from_numpy(vocabulary.features).to(self.device)
        for start in range(0, max(len(array), 1), CHUNK):
            part = array.take(slice(start, start + CHUNK))
            threads = torch_threads(1) if len(part) <= SMALL else nullcontext()
            with torch.inference_mode(), threads:
                graphs = sequence_graphs(self.space, part, vocabulary).to(self.device)
                found = distinct_pass(self.model, features, graphs, every_hop=every_hop)
            yield found


def node_norm_moments(
    model: GraphPredictor, features: Tensor, graphs: SequenceGraphs
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation [members, M + 1] of node-embedding L1 norms over all nodes of `graphs` (§7.3)."""
    norms: list[list[Tensor]] = [[] for _ in range(model.hops + 1)]
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(graphs), device=features.device), CHUNK):
            for hop, nodes in enumerate(model.node_embeddings(features, graphs.take(rows))):
                norms[hop].append(nodes.abs().sum(-1).double())
    stacked = [torch.cat(parts, dim=1) for parts in norms]
    mean = torch.stack([n.mean(1) for n in stacked], dim=1)
    std = torch.stack([n.std(1, correction=0) for n in stacked], dim=1)
    return mean.cpu().numpy(), std.cpu().numpy()
