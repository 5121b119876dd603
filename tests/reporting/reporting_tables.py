"""Synthetic tables of a run: three problems, five variants, magnitudes as on the published caches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from autobuild_pipelines.reporting.objectives import select, volume
from autobuild_pipelines.search import Problem

VARIANTS = ("layer_full", "layer_insight", "stage_full", "autobuild_eq5", "autobuild_contextual")
_START = {
    "layer_full": 0.0,
    "layer_insight": 0.1,
    "stage_full": 0.15,
    "autobuild_eq5": 0.35,
    "autobuild_contextual": 0.8,
}
_DEVICES = {"gpu": (11.0, 8.0), "cpu": (600.0, 300.0), "npu": (23.0, 12.0)}


def problem_settings(device: str) -> dict[str, Any]:
    reference = _DEVICES[device][0]
    return {
        "objectives": {
            "acc_percent": {"equation": "acc * 100", "direction": "max", "reference": 74},
            f"latency_{device}_ms": {"equation": f"latency_{device}_ms", "direction": "min", "reference": reference},
        },
        "targets": ["acc", f"acc_per_{device}"],
    }


def _labels(rng: np.random.Generator, count: int, device: str, shift: Any) -> dict[str, Any]:
    middle = _DEVICES[device][1]
    cost = rng.normal(0, 0.28, count)
    accuracy = 77.0 + 1.3 * cost / 0.28 * 0.6 + shift - 0.25 * (cost / 0.28) ** 2 + rng.normal(0, 0.25, count)
    return {"acc": accuracy / 100, "acc_percent": accuracy, f"latency_{device}_ms": middle * np.exp(cost) * 0.8}


def make_evaluations(seeds: int = 5, budget: int = 250) -> pd.DataFrame:
    parts = []
    for device in _DEVICES:
        for variant in VARIANTS:
            for seed in range(seeds):
                rng = np.random.default_rng([seed, VARIANTS.index(variant), len(device)])
                number = np.arange(1, budget + 1)
                shift = _START[variant] + 0.5 * np.minimum(1, number / budget * 1.5)
                labels = _labels(rng, budget, device, shift)
                keys = {"problem": device, "variant": variant, "seed": seed, "evaluation": number}
                parts.append(pd.DataFrame({**keys, "generation": np.maximum(0, (number - 1) // 50), **labels}))
    return pd.concat(parts, ignore_index=True)


def make_training(count: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"architecture_id": [f"a{i}" for i in range(count)]})
    for device in _DEVICES:
        labels = _labels(rng, count, device, -0.4)
        table["acc"], table[f"latency_{device}_ms"] = labels["acc"], labels[f"latency_{device}_ms"]
    return table


def make_built(count: int = 10) -> pd.DataFrame:
    rng, parts = np.random.default_rng(3), []
    for target in ("acc", "acc_per_gpu", "acc_per_cpu", "acc_per_npu"):
        for method in ("eq5", "contextual"):
            bonus = 0.4 if method == "contextual" else 0.0
            keys = {"target": target, "method": method, "rank": range(1, count + 1)}
            low, high = (1.15, 1.25) if target == "acc" else (0.62, 0.7)
            places = {f"latency_{d}_ms": m * rng.uniform(low, high, count) for d, (_, m) in _DEVICES.items()}
            accuracy = (0.787 if target == "acc" else 0.772) + bonus / 100 + rng.normal(0, 0.0008, count)
            parts.append(pd.DataFrame({**keys, "acc": accuracy, **places}))
    return pd.concat(parts, ignore_index=True)


def make_comparison(label_kind: str = "surrogate") -> pd.DataFrame:
    evaluations, training, built, rows = make_evaluations(), make_training(), make_built(), []
    for device in _DEVICES:
        problem = Problem.from_mapping(device, problem_settings(device))
        sets = {v: select(problem, evaluations[evaluations["variant"] == v]) for v in VARIANTS}
        for (target, method), found in built.groupby(["target", "method"], sort=False):
            if target in problem.targets:
                sets[f"built:{target}:{method}"] = select(problem, found).assign(seed=0)
        sets["training_set"] = select(problem, training).assign(seed=0)
        for variant, found in sets.items():
            volumes = pd.Series([volume(problem, group) for _, group in found.groupby("seed")])
            best = {
                f"best_{name}": found[name].agg(objective.direction) for name, objective in problem.objectives.items()
            }
            head = {"problem": device, "variant": variant, "seeds": len(volumes)}
            spread = {"hypervolume_mean": volumes.mean(), "hypervolume_std": volumes.std()}
            count = len(found) // len(volumes)
            rows.append({**head, "evaluations": count, **spread, **best, "label_kind": label_kind})
    return pd.DataFrame(rows)


def make_metrics(targets: tuple[str, ...] = ("acc", "acc_per_gpu", "acc_per_cpu", "acc_per_npu")) -> pd.DataFrame:
    rows: list[tuple[str, str, str, str, float]] = []
    for place, target in enumerate(targets):
        hops = [0.35 + 0.1 * place, 0.80 + 0.01 * place, 0.915, 0.96 - 0.01 * place, 0.97 - 0.01 * place]
        ours = 0.988 - 0.02 * place
        entries = {"mae": 0.0007, "bias": 0.0001, "spearman": ours, "kendall": 0.92}
        entries |= {f"spearman_hop_{hop}": value for hop, value in enumerate(hops)}
        rows += [(target, "autobuild", "held_out", metric, value) for metric, value in entries.items()]
        rows += [
            (target, "ridge", "held_out", m, v) for m, v in {"mae": 0.0008, "spearman": 0.98 - 0.005 * place}.items()
        ]
    return pd.DataFrame(rows, columns=["target", "model", "split", "metric", "value"])


def make_predictions(targets: tuple[str, ...] = ("acc", "acc_per_gpu", "acc_per_cpu", "acc_per_npu")) -> pd.DataFrame:
    rng, parts = np.random.default_rng(11), []
    for scale, target in zip((1.0, 10.0, 0.3, 6.0), targets, strict=False):
        truth = rng.normal(0.77, 0.0085, 300) * scale
        for model, noise in (("autobuild", 0.0012), ("ridge", 0.0018)):
            guess = truth + rng.normal(0, noise * scale, 300)
            keys = {"target": target, "model": model, "split": "held_out"}
            parts.append(pd.DataFrame({**keys, "label": truth, "prediction": guess}))
    return pd.concat(parts, ignore_index=True)


def make_statistics(targets: tuple[str, ...] = ("acc", "acc_per_gpu", "acc_per_cpu")) -> pd.DataFrame:
    means = {2: (0.7677, 0.7677, 0.7669, 0.7642, 0.7661), 3: (0.77, 0.7698, 0.7702, 0.7705, 0.7696),
             4: (0.7708, 0.7712, 0.7713, 0.7741, 0.7726)}  # fmt: skip
    rows = [
        {"target": target, "unit": unit, "layers": layers, "mean": value, "std": 0.0076, "count": 900 + 7 * unit}
        for target in targets
        for layers, values in means.items()
        for unit, value in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows)


def make_history(targets: tuple[str, ...] = ("acc", "acc_per_gpu"), epochs: int = 200) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    rng, parts = np.random.default_rng(5), []
    for place, target in enumerate(targets):
        mse = np.exp(-epoch / 25) + 0.02 + 0.01 * place + rng.normal(0, 0.001, epochs)
        ranking = 0.5 * np.exp(-epoch / 40) + 0.15 + rng.normal(0, 0.003, epochs)
        frame = {"target": target, "epoch": epoch, "loss": mse + ranking, "mse": mse, "ranking_loss": ranking}
        parts.append(pd.DataFrame(frame))
    return pd.concat(parts, ignore_index=True)
