"""Predictions for many networks at once, made of modules: what they have in common is computed once.

On a chain, what a predictor of M hops makes of a module depends on the module and on the M nodes before it, and on
nothing behind it. So a network is read from its first unit to its last like a word by a finite automaton: the state
between two units is the window of the last M nodes, and each step, a (state, module) pair, adds the sum of its nodes'
last embeddings to the network's, and leads to a state. Of hundreds of thousands of networks of few modules a unit, only
hundreds of steps are distinct. The embedding of a network is a sum over its steps, and only the head runs on every one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autobuild_pipelines.graphs import Vocabulary
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.scoring.layout import by_layout
from autobuild_pipelines.spaces import Codes, module_depths

NETWORKS_AT_ONCE = 16_384
"""Networks whose embeddings are summed up together: they stay in the processor's cache."""

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stretch:
    """Adjacent slots of an architecture, and what may stand there.

    Attributes:
        start: The first slot.
        modules: [modules, slots] layer codes.
    """

    start: int
    modules: Codes


@dataclass(frozen=True, eq=False)
class _States:
    """What the nodes before a stretch come down to.

    Attributes:
        windows: [states, M] the kinds of the last M nodes, the last one last; -1 where there are fewer.
        messages: Hop 0 to M - 1 of what the last node passes on, each [members, states, width]; None before the first.
    """

    windows: Integers
    messages: list[Tensor] | None


class PrefixSharing:
    """Runs predictors on networks given by the modules of their stretches.

    Args:
        predictors: The trained predictors.
        stretches: They cover the slots of the space, in order; every module has a layer.
        graph: [graph features] codes of the networks' graph-level values.
    """

    def __init__(self, predictors: TrainedPredictors, stretches: list[Stretch], graph: Codes) -> None:
        self._predictors, self._model, self._stretches = predictors, predictors.model, stretches
        vocabulary = Vocabulary(predictors.space)
        # Nodes in different slots may be the same to the predictor.
        _, self._kinds = np.unique(vocabulary.features, axis=0, return_inverse=True)
        features = torch.from_numpy(vocabulary.features).to(predictors.device)
        self._words = [self._words_of(vocabulary, stretch, graph) for stretch in stretches]
        self._lengths = [module_depths(stretch.modules) for stretch in stretches]
        with torch.inference_mode():
            self._table = self._model.fe_mlp(features)
            self._additive = None if self._model.additive is None else self._additive_sums(features)

    def predict(self, chosen: Integers) -> NDArray[np.float64]:
        """[targets, ensemble, n] predictions of every member, on the targets' own scale.

        Args:
            chosen: [n, stretches] the module of every stretch.
        """
        with torch.inference_mode():
            steps, sums = self._steps(chosen)
            lengths = sum(length[rows] for length, rows in zip(self._lengths, chosen.T, strict=True))
            nodes = torch.from_numpy(np.asarray(lengths, dtype=np.float32)).to(self._predictors.device)
            parts = []
            for start in range(0, len(chosen), NETWORKS_AT_ONCE):
                rows = slice(start, start + NETWORKS_AT_ONCE)
                total = sums[0].index_select(1, steps[0][rows])
                for step, of_step in zip(steps[1:], sums[1:], strict=True):
                    total += of_step.index_select(1, step[rows])
                if self._model.settings.aggregation == "mean":
                    total /= nodes[rows, None]
                parts.append(self._finish(total, chosen[rows]).cpu())
        predictors = self._predictors
        stacked = torch.cat(parts, dim=1) if parts else torch.empty(self._model.members, 0)
        return predictors.rescale(predictors.by_target(stacked.double().numpy()))

    def _finish(self, embedding: Tensor, chosen: Integers) -> Tensor:
        predicted = self._model.regress(embedding)
        if self._additive is not None:
            for sums, rows in zip(self._additive, chosen.T, strict=True):
                predicted = predicted + sums[:, torch.from_numpy(rows).to(sums.device)]
        return predicted

    def _steps(self, chosen: Integers) -> tuple[list[Tensor], list[Tensor]]:
        """Per stretch the step [n] of every network, and the sums [members, steps, width] that steps add."""
        states = _States(np.full((1, self._model.hops), -1, dtype=np.int64), None)
        state_of: Integers = np.zeros(len(chosen), dtype=np.int64)
        steps, sums = [], []
        for number, modules in enumerate(chosen.T):
            count = len(self._stretches[number].modules)
            distinct, step = np.unique(state_of * count + modules, return_inverse=True)
            total, states, state = self._advance(number, states, *np.divmod(distinct, count))
            state_of = state[step]
            steps.append(torch.from_numpy(step.astype(np.int64)).to(self._predictors.device))
            sums.append(total)
        return steps, sums

    def _advance(
        self, number: int, states: _States, before: Integers, modules: Integers
    ) -> tuple[Tensor, _States, Integers]:
        """Take steps [k], each from a state and with a module: what they add, the new states, the state of each."""
        hops, words = self._model.hops, self._words[number]
        width = self._model.settings.hidden
        sums = self._table.new_empty(self._model.members, len(modules), width)
        messages: list[Tensor] = []
        windows = np.empty((len(modules), hops), dtype=np.int64)
        for slots, rows in by_layout(self._stretches[number].modules[modules]):
            nodes = words[modules[rows]][:, slots]
            come = torch.from_numpy(before[rows]).to(sums.device)
            previous = None if states.messages is None else [m.index_select(1, come) for m in states.messages]
            total, last = self._run(nodes, previous)
            place = torch.from_numpy(rows).to(sums.device)
            sums[:, place] = total
            if not messages:
                messages = [m.new_empty(len(m), len(modules), m.shape[2]) for m in last]
            for whole, part in zip(messages, last, strict=True):
                whole[:, place] = part
            windows[rows] = np.concatenate([states.windows[before[rows]], self._kinds[nodes]], axis=1)[:, -hops:]
        distinct, first, state = np.unique(windows, axis=0, return_index=True, return_inverse=True)
        kept = torch.from_numpy(first).to(sums.device)
        return sums, _States(distinct, [m.index_select(1, kept) for m in messages]), state.reshape(-1)

    def _run(self, nodes: Integers, previous: list[Tensor] | None) -> tuple[Tensor, list[Tensor]]:
        """Modules [k, layers] of words: the sum of their nodes' last embeddings, and what their last nodes pass on."""
        model = self._model
        total: Tensor | None = None
        for column in nodes.T:
            embedding = self._table.index_select(1, torch.from_numpy(column).to(self._table.device))
            messages = []
            for hop in range(model.hops):
                layer = model.layer(hop)
                message, own = layer.project(model.receive(hop, embedding))
                messages.append(message)
                out = layer.combine(None if previous is None else previous[hop], own)
                embedding = model.finish(hop, out, embedding)
            total = embedding if total is None else total + embedding
            previous = messages
        assert total is not None  # every module has a layer
        assert previous is not None
        return total, previous

    def _words_of(self, vocabulary: Vocabulary, stretch: Stretch, graph: Codes) -> Integers:
        """[modules, slots] word of every node; of no meaning where no layer is."""
        codes = np.maximum(stretch.modules, 0)
        slots = np.broadcast_to(stretch.start + np.arange(codes.shape[1]), codes.shape)
        return vocabulary.words(slots, codes, np.broadcast_to(graph, (*codes.shape, len(graph))))

    def _additive_sums(self, features: Tensor) -> list[Tensor]:
        """Per stretch [members, modules] what its modules add to the predictor's additive term."""
        assert self._model.additive is not None
        of_word, of_graph = self._model.additive.words(features), self._model.additive.of_graph(features)
        sums = []
        for stretch, words in zip(self._stretches, self._words, strict=True):
            present = torch.from_numpy(stretch.modules >= 0).to(of_word.device)
            sums.append((of_word[:, torch.from_numpy(words).to(of_word.device)] * present).sum(-1))
        # Graph-level values are the same on all nodes: those of any present one count once.
        first = self._words[0][0, int(np.argmax(self._stretches[0].modules[0] >= 0))]
        sums[0] = sums[0] + of_graph[:, int(first), None]
        return sums
