"""Files as AIO-P's public scripts write them, made of classes that exist under their names while a file is written."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

MODULE = "model_src.comp_graph.tf_comp_graph"
MBV3 = [["mbconv3_e3_k3", "mbconv3_e6_k7"], *[["mbconv3_e4_k5"] * depth for depth in (2, 3, 4, 2)]]


@contextmanager
def classes() -> Iterator[ModuleType]:
    """The module of AIO-P's graphs, importable inside of the context only."""
    packages = [ModuleType(MODULE.rsplit(".", dots)[0]) for dots in (2, 1)]
    module = ModuleType(MODULE)
    for name in ("ComputeGraph", "RegularNode", "WeightedNode", "Other"):
        setattr(module, name, type(name, (), {"__module__": MODULE}))
    made = {m.__name__: m for m in (*packages, module)}
    sys.modules.update(made)
    try:
        yield module
    finally:
        for name in made:
            del sys.modules[name]


def graph(module: ModuleType, name: str = "OFA-MBV3-Net7", nodes: int = 3) -> Any:
    """A computation graph with the attributes that theirs have."""
    made = module.ComputeGraph()
    weighted = [node(module.WeightedNode(), i, shape=[3, 16, 3, 3]) for i in range(nodes)]
    regular = [node(module.RegularNode(), i) for i in range(nodes)]
    made.__dict__.update(
        name=name,
        input_shape=(1, 224, 224, 3),
        edge_pairs=[(i, i + 1) for i in range(2 * nodes - 1)],
        regular_nodes=regular,
        weighted_nodes=weighted,
        n_regular_nodes=nodes,
        n_weighted_nodes=nodes,
        max_hidden_size=512,
        max_kernel_size=7,
        max_derived_H=256,
        max_derived_W=256,
    )
    return made


def node(made: Any, place: int, **more: Any) -> Any:
    made.__dict__.update(
        str_id=f"{place}|conv2d",
        type_idx=0,
        label="conv2d",
        resolution=(224, 112, 224, 112, 3, 16),
        strides=(1, 2, 2, 1),
        metadata={"padding": "same", "use_bias": True},
        op_type_idx=4,
        **more,
    )
    return made


def record(module: ModuleType, **changes: Any) -> dict[str, Any]:
    """One network of a task cache; None takes a key away."""
    made = {
        "compute graph": graph(module),
        "acc": 0.3745,
        "flops": 172.9,
        "n_params": 5.2e6,
        "original config": (192, MBV3),
        "pan_seg_PQ": 37.45,
        "inst_seg_AP": 33.1,
        "detectron2_metrics": {"total_loss": 1.2, "panoptic_seg": {"PQ": 37.45, "SQ": 77.0}},
        "obj_det": graph(module),
        "metric_map": "pan_seg_PQ->acc",
        "params": 24.1,
        **changes,
    }
    return {key: value for key, value in made.items() if value is not None}


def cache(*changes: dict[str, Any], protocol: int = 4) -> bytes:
    """A task cache with one network for each argument."""
    with classes() as module:
        return pickle.dumps([record(module, **change) for change in changes], protocol)
