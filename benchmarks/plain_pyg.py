"""The predictor as a straightforward torch_geometric program: what the benchmarks compare against.

One graph a `Data` object, a `DataLoader` that batches them, torch_geometric's layers, one target at a time, the same
loss.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import BatchNorm, GATv2Conv, global_mean_pool

from autobuild_pipelines.graphs import Vocabulary, sequence_graphs
from autobuild_pipelines.predictors.soft_rank import soft_spearman
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace


class PlainPredictor(nn.Module):
    """FE-MLP, four GATv2 layers with batch norm and skips, mean pooling, head."""

    def __init__(self, sizes: list[int], hidden: int = 32, layers: int = 4) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Sequential(nn.Embedding(size, 3), nn.Linear(3, 1)) for size in sizes)
        widths = [len(sizes)] + [hidden] * layers
        self.layers = nn.ModuleList(GATv2Conv(a, b) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(BatchNorm(hidden) for _ in range(layers))
        self.head = nn.Sequential(
            nn.Linear(hidden, hidden),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )

    def nodes(self, x: Tensor, edge_index: Tensor) -> list[Tensor]:
        """Node embeddings of every hop."""
        out = [torch.cat([net(x[:, i]) for i, net in enumerate(self.embeddings)], dim=1).abs()]
        for hop, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            h = norm(layer(out[-1], edge_index)).relu()
            out.append(h if hop == 0 else h + out[-1])
        return out

    def forward(self, data: Data) -> tuple[Tensor, list[Tensor]]:
        """Predictions [n] and graph embeddings of every hop."""
        pooled = [global_mean_pool(h, data.batch) for h in self.nodes(data.x, data.edge_index)]
        return self.head(pooled[-1]).squeeze(-1), pooled


def graphs_of(space: SearchSpace, array: ArchitectureArray, labels: np.ndarray) -> tuple[list[Data], list[int]]:
    """One Data object per architecture, and the number of values of every node feature."""
    vocabulary = Vocabulary(space)
    offsets = vocabulary.schema.offsets
    batch = sequence_graphs(space, array, vocabulary)
    features = torch.from_numpy(vocabulary.features - offsets)[batch.nodes]
    graphs = []
    for index, y in enumerate(labels):
        start, stop = int(batch.pointer[index]), int(batch.pointer[index + 1])
        chain = torch.arange(stop - start - 1)
        graphs.append(
            Data(
                x=features[start:stop],
                edge_index=torch.stack([chain, chain + 1]),
                y=torch.tensor([y], dtype=torch.float32),
            )
        )
    return graphs, [len(c.values) for c in vocabulary.schema.categories]


def train_plain(
    graphs: list[Data], sizes: list[int], epochs: int, *, layers: int = 4, batch_size: int = 128
) -> PlainPredictor:
    """Train on one target with the paper's settings."""
    model = PlainPredictor(sizes, layers=layers)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-5)
    loader = DataLoader(graphs, batch_size=batch_size, shuffle=True)
    for _ in range(epochs):
        for data in loader:
            predicted, pooled = model(data)
            norms = torch.stack([p.abs().sum(-1) for p in pooled])
            rho = soft_spearman(norms, data.y.expand(len(norms), -1))
            loss = (predicted - data.y).square().mean() + (1 - rho).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
    return model
