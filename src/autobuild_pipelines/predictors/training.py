"""Training all targets of a space at once (§7.1): AdamW, standardised labels, the hop-wise ranking loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from autobuild_pipelines.graphs import SequenceGraphs, Vocabulary, sequence_graphs
from autobuild_pipelines.predictors.fitting import Fit, Fitted, fit_alone, settle_batch_norm
from autobuild_pipelines.predictors.model import GraphPredictor, ModelSettings
from autobuild_pipelines.predictors.side_by_side import fit_in_processes, fit_in_threads
from autobuild_pipelines.predictors.stacked import PredictorError
from autobuild_pipelines.predictors.threads import keep_freed_memory
from autobuild_pipelines.predictors.trained import TrainedPredictors, node_norm_moments
from autobuild_pipelines.predictors.training_settings import TrainingSettings
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

MEMBERS_PER_GROUP = 4
"""Large enough for operations to outweigh their calls."""

LARGE = 8000
"""Steps of all predictors together from which on groups train in processes of their own: they take a minute or so."""

MEMBERS_IN_ONE_BATCH = 8
"""The same where a batch holds all architectures: there are few, operations are small, and so many share one thread."""

MEMBERS = ("seeds", "folds")
"""How the predictors of an ensemble differ: in their initial weights alone, or also in what they learn from."""

Watched = tuple[SequenceGraphs, Mapping[str, NDArray[np.float64]]]
"""Graphs and labels by target that are only looked at."""
Runner = Callable[[Callable[[Fit], Fitted], list[Fit]], list[Fitted]]
"""Calls a function on every task, wherever it likes, and returns the results in the tasks' order."""


def train(
    space: SearchSpace,
    array: ArchitectureArray,
    labels: Mapping[str, NDArray[np.float64]],
    *,
    held_out: tuple[ArchitectureArray, Mapping[str, NDArray[np.float64]]] | None = None,
    equations: Mapping[str, str] | None = None,
    model: ModelSettings | None = None,
    training: TrainingSettings | None = None,
    ensemble: int = 1,
    members: str = "seeds",
    seed: int = 0,
    provenance: Mapping[str, Any] | None = None,
    runner: Runner | None = None,
    progress: bool = True,
) -> tuple[TrainedPredictors, pd.DataFrame]:
    """Train one predictor per target (or an ensemble of them), stacked, on the same architectures.

    Targets that differ in scale and offset alone, such as `acc` and `acc * 100`, are one thing to learn: they get the
    same weights, trained once.

    Args:
        space: The search space.
        array: n training architectures.
        labels: Target name to labels [n]; higher is better.
        held_out: Architectures and labels that are only watched, never learned from.
        equations: Target equations, for the card.
        model: Architecture of the predictors.
        training: Optimiser and loss.
        ensemble: Predictors per target, which differ in their initial weights; what they say is averaged.
        members: Of `MEMBERS`. "seeds": every predictor learns from all architectures. "folds": predictor e of a target
            learns from all but fold e, see `folds`; labels are standardised, and batch norm's and embedding norms'
            moments taken, over all of them nevertheless.
        seed: Initial weights, folds and the order of batches.
        provenance: Recorded in the predictors' card.
        runner: Trains groups of predictors elsewhere, such as on a cluster; by default they train on this machine, in
            threads or in processes. The result is the same.
        progress: Show a progress bar.

    Returns:
        The predictors, and the training history: target, epoch, loss, error, ranking_loss, held_out_spearman (NaN at
        epochs where it was not computed); of an ensemble, the means over its members.

    Raises:
        PredictorError: A label is constant, a setting has no meaning here, or training diverged.
    """
    model, training = model or ModelSettings(), training or TrainingSettings()
    if ensemble < 1:
        raise ValueError(f"predictors.ensemble: must be 1 or more, got {ensemble}")
    if members not in MEMBERS:
        raise ValueError(f"predictors.members: {members!r} is not one of {list(MEMBERS)}")
    if model.head_norm:
        raise PredictorError("model.head_norm: only predictors of operator graphs have it; set it to false")
    keep_freed_memory()
    device = resolve_device(training.device)
    targets = tuple(labels)
    y, mean, std = _standardise(labels)
    first = _first_alike(y)
    distinct = sorted(set(first))
    vocabulary = Vocabulary(space)
    features = torch.from_numpy(vocabulary.features).to(device)
    graphs = sequence_graphs(space, array, vocabulary).to(device)
    watched = None
    if held_out is not None:
        watched = (sequence_graphs(space, held_out[0], vocabulary).to(device), held_out[1])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = GraphPredictor(vocabulary.schema, model, members=len(distinct) * ensemble).to(device)
        names = tuple(targets[place] for place in distinct for _ in range(ensemble))
        y = y[distinct].float().repeat_interleave(ensemble, dim=0).to(device)
        learned, judging = (rows.to(device) for rows in _validation_rows(len(array), training.validation, seed))
        judged = (graphs.take(judging), y[:, judging]) if len(judging) else None
        graphs = graphs.take(learned)
        whole = Fit(network, features, graphs, y[:, learned], names, training, seed, judged=judged)
        if members == "folds":
            fold = folds(len(graphs), ensemble, seed)
            whole = replace(
                whole, learned=(fold != torch.arange(ensemble)[:, None]).repeat(len(distinct), 1).to(device)
            )
        history = _fit_groups(whole, watched, runner, progress)
        starts = [distinct.index(place) * ensemble for place in first]
        network = network.members_at([start + member for start in starts for member in range(ensemble)])
    settle_batch_norm(network, features, graphs)
    history = history.groupby(["target", "epoch"], sort=False, as_index=False).mean()
    alike = [
        history[history["target"] == targets[place]].assign(target=t) for t, place in zip(targets, first, strict=True)
    ]
    hop_mean, hop_std = node_norm_moments(network, features, graphs)
    card = {"seed": seed, "training": asdict(training), "architectures": len(array), "members": members}
    card |= provenance or {}
    trained = TrainedPredictors(space, targets, dict(equations or {}), network, mean, std, hop_mean, hop_std, card)
    return trained, pd.concat(alike, ignore_index=True)


def folds(count: int, ensemble: int, seed: int) -> Tensor:
    """[count] the fold of every training architecture, 0 to ensemble - 1, whose sizes differ by at most one.

    With a validation part, architectures are counted without it.

    Raises:
        ValueError: There are fewer than two folds, or fewer architectures than folds.
    """
    if not 2 <= ensemble <= count:
        raise ValueError(
            f"predictors.members: folds need an ensemble of 2 or more and an architecture for each, got an ensemble of "
            f"{ensemble} and {count} architectures to learn from"
        )
    return torch.from_numpy(np.random.default_rng([seed, count, ensemble]).permutation(np.arange(count) % ensemble))


def resolve_device(name: str) -> torch.device:
    """The torch device of a parameter; "auto" is CUDA when present, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def _fit_groups(whole: Fit, watched: Watched | None, runner: Runner | None, progress: bool) -> pd.DataFrame:
    """Train the members in groups, side by side (or by the runner), and put their weights in place.

    That is faster than threads inside each small operation; few members that are soon trained are faster together.
    Groups do not depend on the number of cores, and members do not depend on each other, so neither does the result.
    """
    count = len(whole.targets)
    most = MEMBERS_IN_ONE_BATCH if whole.one_batch else MEMBERS_PER_GROUP
    steps = whole.settings.epochs * math.ceil(len(whole.graphs) / whole.settings.batch_size)
    large = not whole.one_batch and count * steps >= LARGE
    size = count if count <= most and not large else min(most, math.ceil(count / 2))
    if whole.y.device.type == "cuda":
        size = count
    groups = [range(start, min(start + size, count)) for start in range(0, count, size)]
    tasks = [_task(whole, watched, group) for group in groups]
    results = _here(tasks, count, large, progress) if runner is None else runner(fit_alone, tasks)
    for group, task, (state, _) in zip(groups, tasks, results, strict=True):
        task.network.load_state_dict(state)
        whole.network.set_members(group, task.network)
    return pd.concat([history for _, history in results], ignore_index=True)


def _task(whole: Fit, watched: Watched | None, group: range) -> Fit:
    rows = slice(group.start, group.stop)
    targets = whole.targets[rows]
    return replace(
        whole,
        network=whole.network.members_at(group),
        y=whole.y[rows],
        targets=targets,
        watched=None if watched is None else (watched[0], [watched[1][target] for target in targets]),
        judged=None if whole.judged is None else (whole.judged[0], whole.judged[1][rows]),
        learned=None if whole.learned is None else whole.learned[rows],
    )


def _here(tasks: list[Fit], predictors: int, large: bool, progress: bool) -> list[Fitted]:
    with tqdm(
        total=tasks[0].settings.epochs * len(tasks),
        desc=f"training {predictors} predictors",
        unit="epoch",
        disable=not progress,
        mininterval=1.0,
    ) as bar:
        return fit_in_processes(tasks, bar) if large else fit_in_threads(tasks, bar)


def _validation_rows(count: int, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Row numbers to learn from and to judge by, both increasing."""
    order = torch.from_numpy(np.random.default_rng([seed, count]).permutation(count))
    size = round(count * share)
    return order[size:].sort().values, order[:size].sort().values


def _standardise(
    labels: Mapping[str, NDArray[np.float64]],
) -> tuple[Tensor, NDArray[np.float64], NDArray[np.float64]]:
    values = np.stack(list(labels.values()))
    mean, std = values.mean(axis=1), values.std(axis=1)
    if constant := [t for t, s in zip(labels, std, strict=True) if not s > 1e-12]:
        raise PredictorError(f"targets {constant} are the same for all training architectures; nothing to learn")
    return torch.from_numpy((values - mean[:, None]) / std[:, None]), mean, std


def _first_alike(y: Tensor) -> list[int]:
    """For each row of standardised labels, the first that is the same but for rounding."""
    return [next(j for j in range(i + 1) if torch.allclose(y[j], y[i], rtol=0, atol=1e-9)) for i in range(len(y))]
