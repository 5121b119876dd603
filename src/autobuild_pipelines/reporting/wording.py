"""Column names, variants and label kinds in the words that figures and the summary use."""

from __future__ import annotations

import math

_WORDS = {
    "acc": "accuracy",
    "lat": "latency",
    "macs": "MACs",
    "flops": "FLOPs",
    "params": "parameters",
    "cpu": "CPU",
    "gpu": "GPU",
    "npu": "NPU",
    "fid": "FID",
    "pq": "PQ",
    "mse": "MSE",
    "mae": "MAE",
    "eq5": "Eq. 5",
    "autobuild": "AutoBuild",
    "nas": "NAS",
}
_PUBLISHED = {
    "Layer full": "Layer-Full",
    "Layer insight": "Layer-Insight",
    "Stage full": "Stage-Full",
    "AutoBuild NAS": "AutoBuild-NAS",
    "AutoBuild guided": "AutoBuild-Guided",
    "Fine tuned": "Fine-tuned set",
}
"""The paper's spelling of its search variants, ours beside them, and of its sets."""
_METHODS = {
    "constrained": "AutoBuild Constrained",
    "unconstrained": "AutoBuild Unconstrained",
    "contextual": "AutoBuild Contextual",
    "exhaustive": "Exhaustive Search",
    "exhaustive_search": "Exhaustive Search",
    "random": "Random",
    "training": "Training set",
}
"""The paper's names of ways to construct architectures (§7.10), and ours beside them."""
_PREFIXES = {1e12: "T", 1e9: "G", 1e6: "M"}
# Endings of column names; a longer one stands before what it ends with.
_UNITS = {
    ("percent",): "%",
    ("ms",): "ms",
    ("us",): "µs",
    ("mb",): "MB",
    ("mmacs",): "MMACs",
    ("images", "per", "s"): "images/s",
    ("s",): "s",
}
_DEVICES = frozenset({"cpu", "gpu", "npu"})
LABEL_KINDS = {
    "surrogate": "surrogate labels",
    "measured": "measured labels",
    "predicted": "labels predicted by a released predictor",
    "published": "labels as the file gives them",
}
"""What `label_kind` of a space may be, and how figures and the summary say it."""


def quantity(name: str) -> str:
    """A column's name as an axis title with its unit: ``latency_cpu_ms`` is "CPU latency [ms]"."""
    tokens = name.split("_")
    unit = ""
    for ending, symbol in _UNITS.items():
        if len(tokens) > len(ending) and tuple(tokens[-len(ending) :]) == ending:
            tokens, unit = tokens[: -len(ending)], f" [{symbol}]"
            break
    tokens.sort(key=lambda token: token not in _DEVICES)
    return _capital(words("_".join(tokens))) + unit


def variant(name: str) -> str:
    """A variant of the comparison in words: ``built:acc:eq5`` is "Built acc · Eq. 5"."""
    if name.startswith("built:"):
        target, _, method = name.removeprefix("built:").rpartition(":")
        return f"Built {target} · {words(method)}" if target else f"Built {method}"
    text = _capital(words(name))
    for plain, published in _PUBLISHED.items():
        text = text.replace(plain, published)
    return text


def method(name: str) -> str:
    """A way to construct architectures in words: ``constrained`` is "AutoBuild Constrained"."""
    plain = name.removeprefix("embedding_").removeprefix("norm_")
    return _METHODS.get(plain) or _capital(words(name))


def amount(name: str, value: float) -> str:
    """A column's value with its name and unit: ``latency_gpu_ms`` of 35.21 is "GPU latency 35.21 ms"."""
    title, _, unit = quantity(name).partition(" [")
    unit = unit.rstrip("]")
    prefix = next((size for size in _PREFIXES if not unit and abs(value) >= size), None)
    scaled = f"{number(value / prefix)} {_PREFIXES[prefix]}" if prefix else number(value)
    return f"{title} {scaled}{' ' if unit else ''}{unit}"


def words(name: str) -> str:
    """A name with underscores as words, with the field's spelling of known ones: ``cpu`` is "CPU"."""
    return " ".join(_WORDS.get(token, token) for token in name.split("_"))


def labels(label_kind: str) -> str:
    """What the labels of a space are, as every title says it: ``surrogate`` is "surrogate labels"."""
    return LABEL_KINDS.get(label_kind, f"{label_kind} labels")


def number(value: float, digits: int = 4) -> str:
    """A number to `digits` significant digits with thousands separators; "–" where there is none."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.{_decimals(value, digits)}f}"


def spread(mean: float, deviation: float) -> str:
    """Mean ± deviation, the deviation with as many decimals as the mean; the mean alone without a deviation."""
    if not math.isfinite(mean) or not math.isfinite(deviation):
        return number(mean)
    return f"{number(mean)} ± {deviation:,.{_decimals(mean, 4)}f}"


def size(count: int) -> str:
    """The size of a space: all digits below a million, else like 2.2e19 (exact integers of any length)."""
    if count < 1_000_000:
        return f"{count:,}"
    exponent = len(str(count)) - 1
    tenths = (count * 10 + 10**exponent // 2) // 10**exponent
    if tenths == 100:
        tenths, exponent = 10, exponent + 1
    return f"{tenths // 10}.{tenths % 10}e{exponent}"


def _decimals(value: float, digits: int) -> int:
    if value == 0:
        return 0
    return min(12, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
