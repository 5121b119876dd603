"""Training predictors of operator graphs: the sequence graphs' loss and optimiser, on distinct in-neighbourhoods."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor
from tqdm import tqdm

from autobuild_pipelines.graphs.operator_batch import OperatorBatch
from autobuild_pipelines.predictors.fitting import clip_members
from autobuild_pipelines.predictors.layers import MOMENTUM
from autobuild_pipelines.predictors.losses import LOSSES
from autobuild_pipelines.predictors.model import GraphPredictor, ModelSettings
from autobuild_pipelines.predictors.operator_pass import class_pass
from autobuild_pipelines.predictors.operator_predictors import OperatorPredictors, each_node_norms, run
from autobuild_pipelines.predictors.presets import PRESETS
from autobuild_pipelines.predictors.stacked import PredictorError
from autobuild_pipelines.predictors.threads import keep_freed_memory, one_thread_per_operation
from autobuild_pipelines.predictors.training import resolve_device
from autobuild_pipelines.predictors.training_settings import SCHEDULES, TrainingSettings

Labels = Mapping[str, NDArray[np.float64]]


def train_on_operators(
    graphs: OperatorBatch,
    labels: Labels,
    *,
    held_out: tuple[OperatorBatch, Labels] | None = None,
    name: str = "",
    equations: Mapping[str, str] | None = None,
    model: ModelSettings | None = None,
    training: TrainingSettings | None = None,
    ensemble: int = 1,
    seed: int = 0,
    provenance: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> tuple[OperatorPredictors, pd.DataFrame]:
    """Train one predictor per target (or an ensemble of them), stacked, on the same operator graphs (§7.6).

    Args:
        graphs: n training graphs.
        labels: Target name to labels [n]; higher is better.
        held_out: Graphs of the same schema and their labels, which are only watched, never learned from.
        name: What the graphs are of, for the card.
        equations: Target equations, for the card.
        model: Architecture of the predictors; it has no additive term, which is one of layers and places. By default
            that of the preset `operators`.
        training: Optimiser and loss; a validation part is not taken.
        ensemble: Predictors per target, which differ in their initial weights.
        seed: Initial weights and the order of batches: the same seed gives the same predictors on the same machine.
        provenance: Recorded in the card.
        progress: Show a progress bar.

    Returns:
        The predictors, and the training history: target, epoch, loss, error, ranking_loss, held_out_spearman (NaN at
        epochs where it was not computed); of an ensemble, the means over its members.

    Raises:
        PredictorError: A label is constant, a setting has no meaning here, or training diverged.
    """
    model, training = model or PRESETS["operators"].model, training or TrainingSettings()
    _check(model, training, len(graphs))
    y, mean, std = _standardise(labels, ensemble)
    device = resolve_device(training.device)
    names = [target for target in labels for _ in range(ensemble)]
    keep_freed_memory()
    with torch.random.fork_rng(devices=[]), one_thread_per_operation():
        torch.manual_seed(seed)
        network = GraphPredictor(graphs.schema, model, members=len(names)).to(device)
        records = []
        with tqdm(total=training.epochs, desc=f"training {len(names)} predictors of operator graphs", unit="epoch",
                  disable=not progress, mininterval=1.0) as bar:  # fmt: skip
            for epoch, losses in enumerate(_epochs(network, graphs, y.to(device), training, seed), start=1):
                rho = np.full(len(names), np.nan)
                if held_out is not None and (epoch % training.evaluate_every == 0 or epoch == training.epochs):
                    _settle(network, graphs)
                    rho = _watch(network, *held_out, ensemble)
                    bar.set_postfix(loss=f"{losses.sum(0).mean():.3f}", held_out_spearman=f"{np.nanmean(rho):.3f}")
                records.append(_record(names, epoch, losses, rho))
                bar.update()
        _settle(network, graphs)
        hop_mean, hop_std = _moments(network, graphs)
    card = {"seed": seed, "training": asdict(training), "graphs": len(graphs), **(provenance or {})}
    found = OperatorPredictors(name, tuple(labels), dict(equations or {}), network, mean, std, hop_mean, hop_std, card)
    history = pd.concat(records, ignore_index=True)
    return found, history.groupby(["target", "epoch"], sort=False, as_index=False).mean()


def _epochs(
    network: GraphPredictor, graphs: OperatorBatch, y: Tensor, settings: TrainingSettings, seed: int
) -> Iterator[NDArray[np.float64]]:
    """Train an epoch at a time; yields [2, members] its mean error and ranking loss."""
    parameters = list(network.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
    loss, schedule = LOSSES[settings.loss], SCHEDULES[settings.schedule]
    features = torch.from_numpy(graphs.features).to(y.device)
    hashes, rng = graphs.hashes(network.hops), np.random.default_rng(seed)
    for epoch in range(settings.epochs):
        network.train()
        sums = torch.zeros(2, len(y), device=y.device)
        batches = np.array_split(rng.permutation(len(graphs)), _batches(len(graphs), settings))
        for step, rows in enumerate(batches):
            done = (epoch + step / len(batches)) / settings.epochs
            optimiser.param_groups[0]["lr"] = settings.learning_rate * schedule(done)
            classes = graphs.take(rows).classes(hashes[:, graphs.nodes(rows)], y.device)
            predicted, embeddings, _ = class_pass(network, features, classes)
            target = y[:, torch.from_numpy(rows).to(y.device)]
            error, ranking = loss(
                predicted, embeddings, target, settings.ranking_weight, settings.soft_rank_strength, None
            )
            optimiser.zero_grad()
            (error + ranking).sum().backward()  # type: ignore[no-untyped-call]
            clip_members(parameters, settings.gradient_norm)
            optimiser.step()
            sums += torch.stack([error.detach(), ranking.detach()]) * len(rows)
        losses = (sums / len(graphs)).cpu().double().numpy()
        if not np.isfinite(losses).all():
            raise PredictorError(f"training diverged in epoch {epoch + 1}; lower training.learning_rate")
        yield losses


def _settle(network: GraphPredictor, graphs: OperatorBatch) -> None:
    """Replace batch norm's running moments by those of all training graphs, averaged over parts of them.

    Moments of graph embeddings, which one graph has none of, are taken last, over all graphs at once.
    """
    network.train()
    if network.head_norm is not None:
        network.head_norm.eval()
    for norm in network.batch_norms():
        norm.momentum = 1.0
    for part, _ in enumerate(run(network, graphs), start=2):
        for norm in network.batch_norms():
            norm.momentum = 1 / part
    for norm in network.batch_norms():
        norm.momentum = MOMENTUM
    network.eval()
    if network.head_norm is not None:
        embeddings = torch.cat([found[-1] for _, found, _, _ in run(network, graphs)], dim=1)
        network.head_norm.running_mean.copy_(embeddings.mean(dim=1))
        network.head_norm.running_var.copy_(embeddings.var(dim=1, unbiased=False))


def _watch(network: GraphPredictor, graphs: OperatorBatch, labels: Labels, ensemble: int) -> NDArray[np.float64]:
    predicted = torch.cat([found[0] for found in run(network, graphs)], dim=1).cpu().numpy()
    values = [label for label in labels.values() for _ in range(ensemble)]
    return np.asarray([spearmanr(p, value).statistic for p, value in zip(predicted, values, strict=True)])


def _moments(network: GraphPredictor, graphs: OperatorBatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation [members, M + 1] of node-embedding L1 norms over all nodes, a part at a time."""
    total = torch.zeros(network.members, network.hops + 1, dtype=torch.float64)
    squares = torch.zeros_like(total)
    for norms in each_node_norms(network, graphs):
        total += norms.double().sum(-1).cpu()
        squares += norms.double().square().sum(-1).cpu()
    mean = total / len(graphs.words)
    deviation = (squares / len(graphs.words) - mean.square()).clamp_min(0).sqrt()
    return mean.numpy(), deviation.numpy()


def _record(names: list[str], epoch: int, losses: NDArray[np.float64], rho: NDArray[np.float64]) -> pd.DataFrame:
    error, ranking = losses
    return pd.DataFrame(
        {
            "target": names,
            "epoch": epoch,
            "loss": error + ranking,
            "error": error,
            "ranking_loss": ranking,
            "held_out_spearman": rho,
        }
    )


def _standardise(labels: Labels, ensemble: int) -> tuple[Tensor, NDArray[np.float64], NDArray[np.float64]]:
    values = np.stack(list(labels.values()))
    mean, std = values.mean(axis=1), values.std(axis=1)
    if constant := [t for t, s in zip(labels, std, strict=True) if not s > 1e-12]:
        raise PredictorError(f"targets {constant} are the same for all training graphs; nothing to learn")
    y = torch.from_numpy((values - mean[:, None]) / std[:, None]).float()
    return y.repeat_interleave(ensemble, dim=0), mean, std


def _batches(graphs: int, settings: TrainingSettings) -> int:
    return math.ceil(graphs / settings.batch_size)


def _check(model: ModelSettings, training: TrainingSettings, graphs: int) -> None:
    if model.additive:
        raise PredictorError("model.additive: predictors of operator graphs have no additive term; set it to false")
    if training.validation:
        raise PredictorError("training.validation: predictors of operator graphs take no validation part; set it to 0")
    if model.head_norm and graphs // _batches(graphs, training) < 2:
        raise PredictorError(
            f"training.batch_size: {training.batch_size} leaves one of {graphs} graphs alone in a batch, where "
            "model.head_norm needs two; set it to 3 or more"
        )
