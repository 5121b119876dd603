"""Graphs of chains of layers are joined from the layers' graphs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from autobuild_pipelines.graphs import operator_graph
from autobuild_pipelines.graphs.export import exported_piece
from autobuild_pipelines.graphs.operator_chain import chained, placed


class Residual(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x


def test_a_chain_equals_the_export_of_the_whole() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), Residual(nn.ReLU(), nn.Conv2d(4, 4, 1)), nn.Sigmoid())
    shapes = [(1, 3, 8, 8), (1, 4, 6, 6), (1, 4, 6, 6)]
    pieces = [exported_piece(layer, (torch.zeros(shape),)) for layer, shape in zip(layers, shapes, strict=True)]
    joined = chained([placed(piece, str(place), f"layer {place}") for place, piece in enumerate(pieces)])
    assert joined == operator_graph(layers, (torch.zeros(shapes[0]),), parts=lambda path: f"layer {path[0]}")
    assert joined.edges.T.tolist() == [[0, 1], [1, 2], [0, 3], [2, 3], [3, 4]]


def test_layers_that_do_not_fit_are_an_error() -> None:
    piece = exported_piece(nn.Conv2d(3, 4, 3), (torch.zeros(1, 3, 8, 8),))
    with pytest.raises(
        ValueError, match=r"piece 1 of a chain reads \[3, 8, 8\], the piece before it gives \[4, 6, 6\]"
    ):
        chained([piece, piece])
    with pytest.raises(ValueError, match="has 1 inputs, or no single output"):
        chained([replace(piece, output=-1)])
