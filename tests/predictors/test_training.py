"""Training: what is learned, that targets do not disturb each other, and that a seed decides everything."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import torch

from autobuild_pipelines.predictors import (
    ModelSettings,
    PredictorError,
    RidgeBaseline,
    TrainingSettings,
    embedding_statistics,
    held_out_predictions,
    predictor_metrics,
    split_rows,
    train,
)
from autobuild_pipelines.predictors.fitting import Fit, clip_members, fit
from autobuild_pipelines.predictors.training import _validation_rows
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

PROJECT = Path(__file__).resolve().parents[2]
QUICK = TrainingSettings(epochs=15, learning_rate=3e-3, batch_size=64)


def additive(space: SearchSpace, count: int, seed: int = 0) -> tuple[ArchitectureArray, np.ndarray]:
    """Architectures with a label that is a sum of effects of layers, units and resolution."""
    rng = np.random.default_rng(seed)
    array = space.sample(count, rng, law="depths")
    expand, kernel = space.vocabulary.T
    effect = np.append(1.0 + 0.8 * expand + 0.3 * kernel, 0.0)  # the last entry is that of an absent layer
    return array, effect[array.layers].sum(axis=1) + 0.5 * array.graph[:, 0]


def test_a_predictor_learns_an_additive_label_and_the_metrics_say_so(ofa_mbv3: SearchSpace) -> None:
    array, y = additive(ofa_mbv3, 500)
    kept, held = split_rows(500, 0.2, seed=1)
    labels = {"y": y}
    trained, history = train(
        ofa_mbv3,
        array.take(kept),
        {"y": y[kept]},
        held_out=(array.take(held), {"y": y[held]}),
        training=QUICK,
        progress=False,
    )
    ridge = RidgeBaseline(ofa_mbv3).fit(array.take(kept), y[None, kept])
    parts = {"train": (array.take(kept), {"y": y[kept]}), "held_out": (array.take(held), {"y": y[held]})}
    metrics = predictor_metrics(trained, ridge, parts).set_index(["model", "split", "metric"])["value"]
    assert metrics["autobuild", "held_out", "spearman"] > 0.8
    assert metrics["ridge", "held_out", "spearman"] > 0.99  # the label is linear in its columns
    assert metrics["autobuild", "train", "spearman_hop_4"] > 0.7
    losses = history.set_index("epoch")["loss"]
    assert losses[15] < losses[1]
    table = held_out_predictions(trained, ridge, ["x"] * len(held), array.take(held), {"y": labels["y"][held]})
    assert list(table.columns) == ["target", "architecture_id", "true", "autobuild", "ridge"]
    assert len(embedding_statistics(trained)) == 5


def test_the_same_seed_gives_the_same_weights_and_another_seed_does_not(ofa_mbv3: SearchSpace) -> None:
    array, y = additive(ofa_mbv3, 120)
    settings = TrainingSettings(epochs=2)
    runs = [train(ofa_mbv3, array, {"y": y}, training=settings, seed=s, progress=False) for s in (5, 5, 6)]
    same, again, other = (run[0].predict(array) for run in runs)
    np.testing.assert_array_equal(same, again)
    pd.testing.assert_frame_equal(runs[0][1], runs[1][1])
    assert not np.array_equal(same, other)


def test_training_leaves_the_callers_random_state_alone(ofa_mbv3: SearchSpace) -> None:
    array, y = additive(ofa_mbv3, 60)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    train(ofa_mbv3, array, {"y": y}, training=TrainingSettings(epochs=1), progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_targets_that_are_the_same_but_for_scale_are_learned_once_and_predicted_on_their_own_scales(
    ofa_mbv3: SearchSpace,
) -> None:
    array, y = additive(ofa_mbv3, 300)
    other = y**2
    labels = {"y": y, "other": other, "scaled": 1000 * y + 5}
    trained, history = train(ofa_mbv3, array, labels, ensemble=2, training=QUICK, progress=False)
    alone, of_two = train(ofa_mbv3, array, {"y": y, "other": other}, ensemble=2, training=QUICK, progress=False)
    first, _, third = trained.predict(array)
    assert np.corrcoef(first, y)[0, 1] > 0.8
    np.testing.assert_allclose(third, 1000 * first + 5, rtol=1e-6)
    np.testing.assert_array_equal(trained.only(["y", "other"]).predict(array), alone.predict(array))
    assert trained.targets == ("y", "other", "scaled")
    losses = {target: rows["loss"].tolist() for target, rows in history.groupby("target")}
    assert losses["scaled"] == losses["y"] == of_two.loc[of_two["target"] == "y", "loss"].tolist()
    assert losses["other"] != losses["y"]


def test_an_ensemble_predicts_better_than_its_members_do_on_average(ofa_mbv3: SearchSpace) -> None:
    array, y = additive(ofa_mbv3, 400)
    kept, held = split_rows(400, 0.25, seed=1)
    trained, history = train(ofa_mbv3, array.take(kept), {"y": y[kept]}, training=QUICK, ensemble=3, progress=False)
    members = trained.describe(array.take(held))[0][0]
    assert members.shape == (3, len(held))
    errors = ((members - y[held]) ** 2).mean(axis=1)
    assert ((trained.predict(array.take(held))[0] - y[held]) ** 2).mean() < errors.mean()
    assert len({*errors.round(12)}) == 3  # they differ
    assert history["epoch"].tolist() == [*range(1, 16)]  # means over the members


@pytest.mark.parametrize("ensemble", [2, 3])  # one group, and two
def test_groups_that_train_elsewhere_give_the_same_predictors(ofa_mbv3: SearchSpace, ensemble: int) -> None:
    array, y = additive(ofa_mbv3, 120)
    labels = {"y": y, "negative": -y}
    settings = TrainingSettings(epochs=2, validation=0.2, evaluate_every=1)

    def pickled(function: Any, tasks: list[Any]) -> list[Any]:
        return [function(pickle.loads(pickle.dumps(task))) for task in reversed(tasks)][::-1]

    watched = (array, labels)
    here, there = (
        train(
            *(ofa_mbv3, array, labels),
            held_out=watched,
            training=settings,
            ensemble=ensemble,
            runner=runner,
            progress=False,
        )
        for runner in (None, pickled)
    )
    np.testing.assert_array_equal(here[0].predict(array), there[0].predict(array))
    pd.testing.assert_frame_equal(here[1], there[1])


@pytest.mark.slow
def test_large_work_is_shared_by_processes_with_the_same_result(
    ofa_mbv3: SearchSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    array, y = additive(ofa_mbv3, 120)
    monkeypatch.setattr("autobuild_pipelines.predictors.training.LARGE", 1)
    processes: list[int] = []

    def pids(task: Fit, *_: Any) -> Any:
        processes.append(os.getpid())
        return fit(task)

    monkeypatch.setattr("autobuild_pipelines.predictors.side_by_side.fit", pids)
    found = []
    for cores in (2, 1):  # with one, all groups train in this process
        monkeypatch.setattr("autobuild_pipelines.predictors.side_by_side.cpu_count", lambda cores=cores: cores)
        trained, history = train(
            ofa_mbv3, array, {"y": y, "square": y**2, "root": y**0.5}, training=QUICK, progress=False
        )
        found.append((trained.predict(array), history))
        assert len(processes) == (1 if cores == 2 else 3)
    np.testing.assert_array_equal(found[0][0], found[1][0])
    pd.testing.assert_frame_equal(found[0][1], found[1][1])


ENDLESS = """
import os, time
import numpy as np
from autobuild_pipelines.predictors import TrainingSettings, side_by_side, train, training
from autobuild_pipelines.spaces import SearchSpace
side_by_side.cpu_count = lambda: 2
def imported():
    import autobuild_pipelines.predictors.side_by_side
    return os.getpid(), time.process_time()
executor = side_by_side.get_reusable_executor(max_workers=1, timeout=side_by_side.IDLE_SECONDS)
print(*executor.submit(imported).result(), flush=True)
space = SearchSpace.from_yaml({path!r})
array = space.sample(40, np.random.default_rng(0))
y = np.random.default_rng(1).normal(size=40)
train(space, array, {{"y": y, "z": y**2}}, training=TrainingSettings(epochs=10**6, batch_size=20), progress=False)
"""


@pytest.mark.slow
def test_processes_that_train_end_with_the_one_that_is_killed() -> None:
    path = str(PROJECT / "conf" / "base" / "spaces" / "ofa_mbv3.yml")
    killed = subprocess.Popen([sys.executable, "-c", ENDLESS.format(path=path)], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    pid, importing = killed.stdout.readline().split()
    worker = psutil.Process(int(pid))
    while sum(worker.cpu_times()[:2]) < float(importing) + 1.5:  # then it trains
        assert killed.poll() is None
        time.sleep(0.1)
    killed.kill()
    killed.wait()
    assert psutil.wait_procs([worker], timeout=120)[1] == []


def test_gradients_are_clipped_for_each_member_on_its_own() -> None:
    parameter = torch.nn.Parameter(torch.zeros(2, 3))
    parameter.grad = torch.tensor([[30.0, 40.0, 0.0], [0.3, 0.4, 0.0]])
    clip_members([parameter], 5.0)
    torch.testing.assert_close(parameter.grad, torch.tensor([[3.0, 4.0, 0.0], [0.3, 0.4, 0.0]]))


def test_a_constant_target_is_refused_by_name(ofa_mbv3: SearchSpace) -> None:
    array, y = additive(ofa_mbv3, 60)
    with pytest.raises(PredictorError, match=r"\['flat'\] are the same"):
        train(ofa_mbv3, array, {"y": y, "flat": np.ones(60)}, progress=False)


def test_the_held_out_part_is_disjoint_and_decided_by_the_seed() -> None:
    kept, held = split_rows(100, 0.1, seed=3)
    assert sorted([*kept, *held]) == list(range(100))
    assert len(held) == 10
    np.testing.assert_array_equal(held, split_rows(100, 0.1, seed=3)[1])
    with pytest.raises(ValueError, match="leaves 9 to train on and 1 held out"):
        split_rows(10, 0.1, seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (lambda: ModelSettings(layer="GCN"), r"predictors\.model\.layer: 'GCN'"),
        (lambda: ModelSettings(activation="Swish"), r"predictors\.model\.activation"),
        (lambda: TrainingSettings(epochs=0), r"predictors\.training\.epochs"),
        (lambda: TrainingSettings(loss="mse"), r"predictors\.training\.loss"),
        (lambda: TrainingSettings(learning_rate=-1.0), r"predictors\.training\.learning_rate"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(settings: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings()  # type: ignore[operator]


@pytest.mark.slow
def test_the_latency_loss_trains_a_k_gnn(ofa_mbv3: SearchSpace) -> None:
    array, y = additive(ofa_mbv3, 300)
    model = ModelSettings("GraphConv", 64, 4, aggregation="sum", activation="LeakyReLU", head_activation="LeakyReLU")
    settings = TrainingSettings(epochs=15, batch_size=32, learning_rate=3e-3, loss="latency")
    trained, _ = train(ofa_mbv3, array, {"y": y}, model=model, training=settings, progress=False)
    assert np.corrcoef(trained.predict(array)[0], y)[0, 1] > 0.9


def test_weights_are_kept_from_the_epoch_that_is_best_on_the_validation_part(ofa_mbv3: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    array, y = additive(ofa_mbv3, 120)
    noisy = y + 3 * y.std() * rng.standard_normal(120)  # learned by heart sooner or later
    _, judging = _validation_rows(120, 0.25, seed=0)

    def error(epochs: int, validation: float) -> float:
        settings = TrainingSettings(
            epochs=epochs, learning_rate=1e-2, batch_size=32, validation=validation, evaluate_every=1, loss="latency"
        )
        trained, _ = train(ofa_mbv3, array, {"y": noisy}, training=settings, progress=False)
        return float(np.abs(trained.predict(array.take(judging))[0] - noisy[judging]).mean())

    errors = [error(epochs, 0.25) for epochs in (1, 5, 25)]
    assert errors == sorted(errors, reverse=True)  # what was best once stays
    assert error(25, 0.0) < errors[-1]  # without, these rows are learned from too


def test_the_validation_share_is_checked() -> None:
    with pytest.raises(ValueError, match=r"predictors\.training\.validation: must lie in \[0, 1\), got 1"):
        TrainingSettings(validation=1)
