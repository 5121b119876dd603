"""Embeddings of every module's nodes at every hop, computed once per distinct receptive field.

On a chain, the embedding of node p at hop m depends on the nodes p - m to p and on nothing else. Thousands of modules
share most of these windows: of the 6,561 four-layer OFA modules, the second node at hop 1 takes 81 distinct values.
Each state here holds one row per distinct window and, for every module, the number of its row. This is what makes
scoring all modules (in all contexts) cheap; the result is the same as running the predictor on each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autobuild_pipelines.predictors.model import GraphPredictor
from autobuild_pipelines.spaces import Codes


@dataclass(frozen=True, eq=False)
class State:
    """Embeddings of one node at one hop, for all modules and contexts.

    Attributes:
        values: [members, contexts, rows, width], one row per distinct window.
        row_of: [modules] int64 row of every module; None when all modules share the single row.
    """

    values: Tensor
    row_of: Tensor | None = None

    def rows(self, modules: Tensor) -> Tensor:
        """Row of each of `modules` [k]."""
        return torch.zeros_like(modules) if self.row_of is None else self.row_of[modules]

    def expand(self) -> Tensor:
        """[members, contexts, modules (or 1), width]."""
        return self.values if self.row_of is None else self.values.index_select(2, self.row_of)


class Windows:
    """Distinct windows of a list of modules of one length.

    Args:
        modules: [modules, length] layer codes, no gaps.
    """

    def __init__(self, modules: Codes, device: torch.device) -> None:
        self.modules = modules.astype(np.int64)
        self.length = modules.shape[1]
        self._base = int(self.modules.max(initial=0)) + 1
        self._device = device
        self._found: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def distinct(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """One representative module per distinct window [start, stop), and every module's window number."""
        if (start, stop) not in self._found:
            key: NDArray[np.int64] = np.zeros(len(self.modules), dtype=np.int64)
            for position in range(start, stop):
                # Renumbering before each step keeps keys below modules * codes, however long the window is.
                key = np.unique(key, return_inverse=True)[1].astype(np.int64) * self._base + self.modules[:, position]
            _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
            self._found[start, stop] = (
                torch.from_numpy(first.astype(np.int64)).to(self._device),
                torch.from_numpy(inverse.astype(np.int64)).to(self._device),
            )
        return self._found[start, stop]


class HopRecursion:
    """Message passing on states: the state of (node, hop + 1) from those of (node, hop) and of the node before it.

    Args:
        model: The predictor, in evaluation mode.
        windows: The modules' windows.
    """

    def __init__(self, model: GraphPredictor, windows: Windows) -> None:
        self.model, self.windows = model, windows
        self._projected: dict[tuple[int, int], tuple[State, Tensor, Tensor]] = {}

    def advance(self, hop: int, node: State, previous: State | None, window: tuple[int, int]) -> State:
        """State at hop + 1 of a node whose receptive field inside the module is `window`.

        Args:
            hop: The hop of the given states.
            node: The node at `hop`.
            previous: The node before it at `hop`; None when it starts the graph.
            window: [start, stop) of module positions that the result depends on.
        """
        representatives, row_of = self.windows.distinct(*window)
        rows = node.rows(representatives)
        _, own = self._project(hop, node)
        message = None
        if previous is not None:
            message = self._project(hop, previous)[0].index_select(2, previous.rows(representatives))
        layer = self.model.layer(hop)
        picked = own.index_select(2, rows)
        members, contexts = picked.shape[:2]
        flat = None if message is None else message.flatten(1, 2)
        out = layer.combine(flat, picked.flatten(1, 2))
        out = self.model.finish(hop, out, node.values.index_select(2, rows).flatten(1, 2))
        return State(out.view(members, contexts, len(rows), -1), row_of)

    def _project(self, hop: int, state: State) -> tuple[Tensor, Tensor]:
        key = (id(state), hop)
        if key not in self._projected:
            members, contexts, rows, _ = state.values.shape
            received = self.model.receive(hop, state.values.flatten(1, 2))
            message, own = self.model.layer(hop).project(received)
            shape = (members, contexts, rows)
            # The state is kept beside its projection so that its id stays its own.
            self._projected[key] = (state, message.view(*shape, -1), own.view(*shape, *own.shape[2:]))
        return self._projected[key][1:]
