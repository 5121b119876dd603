"""Training all targets of a space at once (§7.1): AdamW, standardised labels, the hop-wise ranking loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor
from tqdm import tqdm

from autobuild_pipelines.graphs import SequenceGraphs, Vocabulary, sequence_graphs
from autobuild_pipelines.predictors.layers import MOMENTUM
from autobuild_pipelines.predictors.losses import LOSSES
from autobuild_pipelines.predictors.model import GraphPredictor, ModelSettings
from autobuild_pipelines.predictors.threads import keep_freed_memory, one_thread_per_operation
from autobuild_pipelines.predictors.trained import PredictorError, TrainedPredictors, node_norm_moments
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

MEMBERS_PER_THREAD = 2
"""Small enough for few predictors to fill two threads, large enough for operations to outweigh their calls."""

SETTLE_ROWS = 4096
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
}
"""Factor of the learning rate, given the share of all steps that is done."""

Watched = tuple[SequenceGraphs, Mapping[str, NDArray[np.float64]]]
"""Graphs and labels by target that are only looked at."""
Judged = tuple[SequenceGraphs, Tensor]
"""Graphs and standardised labels [members, n] by which an epoch's weights are chosen."""


@dataclass(frozen=True)
class TrainingSettings:
    """How predictors are trained; the defaults are the paper's (§7.1).

    Attributes:
        epochs, batch_size, learning_rate, weight_decay, gradient_norm: As named (AdamW; norm clipped per target).
        schedule: Of the learning rate: "constant" (the paper's), or "cosine", from its full value to 0 over the epochs.
        loss: "autobuild" (Eq. 4) or "latency" (Eq. 6).
        ranking_weight: Lambda of the loss.
        soft_rank_strength: Regularisation of the differentiable rank.
        evaluate_every: Epochs between held-out Spearman values in the training history, and between looks at the
            validation part.
        validation: Share of the training architectures that is not learned from: every predictor keeps the weights that
            had the smallest error there. With 0 all are learned from and the last epoch's weights are kept.
        device: "auto" (CUDA when present), or a torch device.
    """

    epochs: int = 200
    batch_size: int = 128
    learning_rate: float = 1e-4
    weight_decay: float = 1e-5
    gradient_norm: float = 5.0
    schedule: str = "constant"
    loss: str = "autobuild"
    ranking_weight: float = 1.0
    soft_rank_strength: float = 1.0
    evaluate_every: int = 10
    validation: float = 0.0
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"predictors.training.loss: {self.loss!r} is not one of {sorted(LOSSES)}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"predictors.training.schedule: {self.schedule!r} is not one of {sorted(SCHEDULES)}")
        for key in ("epochs", "batch_size", "evaluate_every"):
            if int(getattr(self, key)) < 1:
                raise ValueError(f"predictors.training.{key}: must be 1 or more, got {getattr(self, key)}")
        if not 0 <= self.validation < 1:
            raise ValueError(f"predictors.training.validation: must lie in [0, 1), got {self.validation}")
        for key in ("learning_rate", "gradient_norm", "soft_rank_strength"):
            if not float(getattr(self, key)) > 0:
                raise ValueError(f"predictors.training.{key}: must be above 0, got {getattr(self, key)}")


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
    seed: int = 0,
    provenance: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> tuple[TrainedPredictors, pd.DataFrame]:
    """Train one predictor per target (or an ensemble of them), stacked, on the same architectures.

    Args:
        space: The search space.
        array: n training architectures.
        labels: Target name to labels [n]; higher is better.
        held_out: Architectures and labels that are only watched, never learned from.
        equations: Target equations, for the card.
        model: Architecture of the predictors.
        training: Optimiser and loss.
        ensemble: Predictors per target, which differ in their initial weights; what they say is averaged.
        seed: Initial weights and the order of batches.
        provenance: Recorded in the predictors' card.
        progress: Show a progress bar.

    Returns:
        The predictors, and the training history: target, epoch, loss, error, ranking_loss, held_out_spearman (NaN at
        epochs where it was not computed); of an ensemble, the means over its members.

    Raises:
        PredictorError: A label is constant, or training diverged.
    """
    model, training = model or ModelSettings(), training or TrainingSettings()
    if ensemble < 1:
        raise ValueError(f"predictors.ensemble: must be 1 or more, got {ensemble}")
    keep_freed_memory()
    device = resolve_device(training.device)
    targets = tuple(labels)
    y, mean, std = _standardise(labels)
    vocabulary = Vocabulary(space)
    features = torch.from_numpy(vocabulary.features).to(device)
    graphs = sequence_graphs(space, array, vocabulary).to(device)
    watched = None
    if held_out is not None:
        watched = (sequence_graphs(space, held_out[0], vocabulary).to(device), held_out[1])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = GraphPredictor(vocabulary.schema, model, members=len(targets) * ensemble).to(device)
        members = tuple(target for target in targets for _ in range(ensemble))
        y = y.repeat_interleave(ensemble, dim=0).to(device)
        learned, judging = (rows.to(device) for rows in _validation_rows(len(array), training.validation, seed))
        judged = (graphs.take(judging), y[:, judging]) if len(judging) else None
        graphs = graphs.take(learned)
        history = _fit_groups(
            network, features, graphs, y[:, learned], members, training, seed, watched, judged, progress
        )
    settle_batch_norm(network, features, graphs)
    hop_mean, hop_std = node_norm_moments(network, features, graphs)
    card = {"seed": seed, "training": asdict(training), "architectures": len(array), **(provenance or {})}
    trained = TrainedPredictors(space, targets, dict(equations or {}), network, mean, std, hop_mean, hop_std, card)
    return trained, history.groupby(["target", "epoch"], sort=False, as_index=False).mean()


def resolve_device(name: str) -> torch.device:
    """The torch device of a parameter; "auto" is CUDA when present, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def _fit_groups(
    network: GraphPredictor,
    features: Tensor,
    graphs: SequenceGraphs,
    y: Tensor,
    targets: tuple[str, ...],
    settings: TrainingSettings,
    seed: int,
    watched: Watched | None,
    judged: Judged | None,
    progress: bool,
) -> pd.DataFrame:
    """Train the members in groups of two, a thread each: faster than threads inside each small operation.

    `targets` names the target of each member.

    Groups do not depend on the number of cores, and members do not depend on each other, so neither does the result.
    """
    size = MEMBERS_PER_THREAD if len(targets) > MEMBERS_PER_THREAD else 1
    if y.device.type == "cuda":
        size = len(targets)
    groups = [range(start, min(start + size, len(targets))) for start in range(0, len(targets), size)]
    with tqdm(
        total=settings.epochs * len(groups),
        desc=f"training {len(targets)} predictors",
        unit="epoch",
        disable=not progress,
        mininterval=1.0,
    ) as bar:

        def fit(group: range) -> tuple[GraphPredictor, pd.DataFrame]:
            part = network.members_at(group)
            chosen = targets[group.start : group.stop]
            seen = None if watched is None else (watched[0], [watched[1][target] for target in chosen])
            rows = slice(group.start, group.stop)
            judge = None if judged is None else (judged[0], judged[1][rows])
            return part, _fit(part, features, graphs, y[rows], chosen, settings, seed, seen, judge, bar)

        if len(groups) == 1:
            results = [fit(groups[0])]
        else:
            with one_thread_per_operation():
                results = Parallel(n_jobs=min(len(groups), cpu_count()), prefer="threads")(
                    delayed(fit)(group) for group in groups
                )
    for group, (part, _) in zip(groups, results, strict=True):
        network.set_members(group, part)
    return pd.concat([history for _, history in results], ignore_index=True)


def _fit(
    network: GraphPredictor,
    features: Tensor,
    graphs: SequenceGraphs,
    y: Tensor,
    targets: tuple[str, ...],
    settings: TrainingSettings,
    seed: int,
    watched: tuple[SequenceGraphs, list[NDArray[np.float64]]] | None,
    judged: Judged | None,
    bar: tqdm[Any],
) -> pd.DataFrame:
    parameters = list(network.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
    loss, schedule = LOSSES[settings.loss], SCHEDULES[settings.schedule]
    rng = np.random.default_rng(seed)
    best = _BestWeights(network)
    records: list[pd.DataFrame] = []
    for epoch in range(1, settings.epochs + 1):
        network.train()
        sums = torch.zeros(2, len(targets), device=y.device)
        batches = _batches(len(graphs), settings.batch_size, rng)
        for step, rows in enumerate(batches):
            done = (epoch - 1 + step / len(batches)) / settings.epochs
            optimiser.param_groups[0]["lr"] = settings.learning_rate * schedule(done)
            batch = rows.to(y.device)
            predicted, embeddings = network(features, graphs.take(batch))
            error, ranking = loss(
                predicted, embeddings, y[:, batch], settings.ranking_weight, settings.soft_rank_strength
            )
            optimiser.zero_grad()
            (error + ranking).sum().backward()  # type: ignore[no-untyped-call]
            clip_members(parameters, settings.gradient_norm)
            optimiser.step()
            sums += torch.stack([error.detach(), ranking.detach()]) * len(batch)
        error, ranking = (sums / len(graphs)).cpu().numpy()
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
    return pd.concat(records, ignore_index=True)


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


def _validation_rows(count: int, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Row numbers to learn from and to judge by, both increasing."""
    order = torch.from_numpy(np.random.default_rng([seed, count]).permutation(count))
    size = round(count * share)
    return order[size:].sort().values, order[:size].sort().values


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
        return LOSSES[settings.loss](predicted, embeddings, y, 0.0, settings.soft_rank_strength)[0].cpu()


def _watch(
    network: GraphPredictor, features: Tensor, graphs: SequenceGraphs, labels: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    with torch.inference_mode():
        predicted = network(features, graphs)[0].cpu().numpy()
    return np.asarray([spearmanr(p, y).statistic for p, y in zip(predicted, labels, strict=True)])


def _standardise(
    labels: Mapping[str, NDArray[np.float64]],
) -> tuple[Tensor, NDArray[np.float64], NDArray[np.float64]]:
    values = np.stack(list(labels.values()))
    mean, std = values.mean(axis=1), values.std(axis=1)
    if constant := [t for t, s in zip(labels, std, strict=True) if not s > 1e-12]:
        raise PredictorError(f"targets {constant} are the same for all training architectures; nothing to learn")
    y = torch.from_numpy((values - mean[:, None]) / std[:, None]).float()
    return y, mean, std
