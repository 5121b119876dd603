"""Training one stack of networks: AdamW, standardised labels, the hop-wise ranking loss (§7.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor
from tqdm import tqdm

from autobuild_pipelines.graphs import SequenceGraphs, hop_windows
from autobuild_pipelines.predictors.layers import MOMENTUM
from autobuild_pipelines.predictors.losses import LOSSES
from autobuild_pipelines.predictors.model import GraphPredictor
from autobuild_pipelines.predictors.stacked import PredictorError
from autobuild_pipelines.predictors.threads import keep_freed_memory, one_thread_per_operation
from autobuild_pipelines.predictors.training_settings import SCHEDULES, TrainingSettings
from autobuild_pipelines.predictors.window_pass import window_pass

SETTLE_ROWS = 4096
Fitted: TypeAlias = tuple[dict[str, Tensor], pd.DataFrame]
"""State of the trained networks, and their training history."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A task: stacked networks and what they learn from. It can be sent to another process.

    Attributes:
        network: The stacked networks, with their initial weights.
        features: [words, categories] of the vocabulary.
        graphs: n training graphs.
        y: [members, n] standardised labels.
        targets: Name of each member's target.
        settings: How to train.
        seed: Decides the order of batches.
        watched: Graphs and, per member, labels that are only looked at.
        judged: Graphs and [members, n] standardised labels by which an epoch's weights are chosen.
        learned: [members, n] bool, which graphs each member learns from; all of them by default. Batch norm sees every
            graph: its moments need no labels.
    """

    network: GraphPredictor
    features: Tensor
    graphs: SequenceGraphs
    y: Tensor
    targets: tuple[str, ...]
    settings: TrainingSettings
    seed: int
    watched: tuple[SequenceGraphs, list[NDArray[np.float64]]] | None = None
    judged: tuple[SequenceGraphs, Tensor] | None = None
    learned: Tensor | None = None

    @property
    def one_batch(self) -> bool:
        """Whether every step sees all graphs: batch gradient descent, as for fewer than 100 architectures (§7.9)."""
        return self.settings.batch_size >= len(self.graphs)


def fit_alone(task: Fit) -> Fitted:
    """`fit` in a process that does nothing else meanwhile: the same result as beside others in one process."""
    keep_freed_memory()
    with one_thread_per_operation():
        return fit(task)


def fit(task: Fit, bar: tqdm[Any] | None = None) -> Fitted:
    """Train the networks of a task, in place.

    Args:
        task: What to train, and on what.
        bar: Told of every epoch.

    Returns:
        The networks' state, and the training history: target, epoch, loss, error, ranking_loss, held_out_spearman.

    Raises:
        PredictorError: Training diverged.
    """
    network, features, graphs, y, targets = task.network, task.features, task.graphs, task.y, task.targets
    settings, watched, judged = task.settings, task.watched, task.judged
    parameters = list(network.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
    loss, schedule = LOSSES[settings.loss], SCHEDULES[settings.schedule]
    rng = np.random.default_rng(task.seed)
    # A batch of all graphs stays the same: its distinct windows are found once, and its order does not matter.
    windows = hop_windows(features, graphs, network.hops) if task.one_batch else []
    best = _BestWeights(network)
    records: list[pd.DataFrame] = []
    for epoch in range(1, settings.epochs + 1):
        network.train()
        sums = torch.zeros(2, len(targets), device=y.device)
        batches = [torch.arange(len(graphs))] if windows else _batches(len(graphs), settings.batch_size, rng)
        for step, rows in enumerate(batches):
            done = (epoch - 1 + step / len(batches)) / settings.epochs
            optimiser.param_groups[0]["lr"] = settings.learning_rate * schedule(done)
            batch = rows.to(y.device)
            if windows:
                predicted, embeddings = window_pass(network, features, graphs, windows)
            else:
                predicted, embeddings = network(features, graphs.take(batch))
            mask = None if task.learned is None else task.learned[:, batch]
            error, ranking = loss(
                predicted, embeddings, y[:, batch], settings.ranking_weight, settings.soft_rank_strength, mask
            )
            optimiser.zero_grad()
            (error + ranking).sum().backward()  # type: ignore[no-untyped-call]
            clip_members(parameters, settings.gradient_norm)
            optimiser.step()
            sums += torch.stack([error.detach(), ranking.detach()]) * (len(batch) if mask is None else mask.sum(1))
        error, ranking = (sums / (len(graphs) if task.learned is None else task.learned.sum(1))).cpu().numpy()
        if not np.isfinite(error).all():
            bad = [t for t, e in zip(targets, error, strict=True) if not np.isfinite(e)]
            raise PredictorError(
                f"training of {bad} diverged in epoch {epoch}; lower predictors.training.learning_rate"
            )
        rho = np.full(len(targets), np.nan)
        looked = epoch % settings.evaluate_every == 0 or epoch == settings.epochs
        if looked and (watched is not None or judged is not None):
            settle_batch_norm(network, features, graphs)
        if looked and judged is not None:
            best.offer(network, _error(network, features, *judged, settings))
        if looked and watched is not None:
            rho = _watch(network, features, *watched)
        if bar is not None:
            if not np.isnan(rho).all():
                bar.set_postfix(loss=f"{(error + ranking).mean():.3f}", held_out_spearman=f"{np.nanmean(rho):.3f}")
            bar.update()
        records.append(
            pd.DataFrame(
                {
                    "target": targets,
                    "epoch": epoch,
                    "loss": (error + ranking).astype(np.float64),
                    "error": error.astype(np.float64),
                    "ranking_loss": ranking.astype(np.float64),
                    "held_out_spearman": rho,
                }
            )
        )
    if judged is not None:
        network.load_state_dict(best.state)
    return network.state_dict(), pd.concat(records, ignore_index=True)


class _BestWeights:
    """Every member's weights at the epoch of its smallest validation error.

    Attributes:
        state: As `network.state_dict()`.
    """

    def __init__(self, network: GraphPredictor) -> None:
        self.state = {key: value.clone() for key, value in network.state_dict().items()}
        self._error = torch.full((network.members,), math.inf)

    def offer(self, network: GraphPredictor, error: Tensor) -> None:
        """Keep the weights of the members whose `error` [members] is smaller than it ever was."""
        better = error < self._error
        self._error[better] = error[better]
        for key, value in network.state_dict().items():
            self.state[key][better] = value[better]


def clip_members(parameters: list[torch.nn.Parameter], limit: float) -> None:
    """Clip the gradient norm of every member on its own: members stay as independent as if trained alone."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norms = torch.cat([g.flatten(1) for g in gradients], dim=1).norm(dim=1)
    scale = (limit / norms.clamp_min(1e-6)).clamp_max(1.0)
    if bool((scale < 1.0).any()):
        for gradient in gradients:
            gradient.mul_(scale.view(-1, *(1,) * (gradient.ndim - 1)))


def _batches(count: int, size: int, rng: np.random.Generator) -> list[Tensor]:
    """Shuffled row numbers in the fewest batches of at most `size`, all of nearly the same length.

    A short last batch would weigh a few architectures as much as a full one, in the step and in batch norm's moments.
    """
    return list(torch.tensor_split(torch.from_numpy(rng.permutation(count)), math.ceil(count / size)))


def settle_batch_norm(network: GraphPredictor, features: Tensor, graphs: SequenceGraphs) -> None:
    """Replace batch norm's running moments, an average over recent batches, by those of all training graphs."""
    network.train()
    with torch.no_grad():
        for index, rows in enumerate(torch.split(torch.arange(len(graphs), device=features.device), SETTLE_ROWS)):
            for norm in network.batch_norms():
                norm.momentum = 1 / (index + 1)  # a plain average over the parts
            network(features, graphs.take(rows))
    for norm in network.batch_norms():
        norm.momentum = MOMENTUM
    network.eval()


def _error(
    network: GraphPredictor, features: Tensor, graphs: SequenceGraphs, y: Tensor, settings: TrainingSettings
) -> Tensor:
    """The loss's error term [members] (MSE or MAE of standardised labels), on the CPU."""
    with torch.no_grad():
        predicted, embeddings = network(features, graphs)
        return LOSSES[settings.loss](predicted, embeddings, y, 0.0, settings.soft_rank_strength, None)[0].cpu()


def _watch(
    network: GraphPredictor, features: Tensor, graphs: SequenceGraphs, labels: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    with torch.inference_mode():
        predicted = network(features, graphs)[0].cpu().numpy()
    return np.asarray([spearmanr(p, y).statistic for p, y in zip(predicted, labels, strict=True)])
