"""AIO-P's caches of other tasks, such as `gpi_ofa_mbv3_pan_seg_coco_ind_comp_graph_cache.pkl`.

Mills et al., "AIO-P: Expanding Neural Performance Predictors Beyond Image Classification" (AAAI 2023). Caches with
`ind` in their name hold networks that were fine-tuned individually, those with `shared` networks that were labelled
through one shared head ("pseudo-labelled"). The layout is what the scripts of their public code write
(run_train_cgs_on_task.py, run_profiler.py and make_cg_task_cache.py of commit a0d4fe3): a pickled list of dicts, one a
network, with

- `original config`: `(resolution, [[block name, ...] per stage])`, as in the other published caches;
- `pan_seg_PQ`: the task's metric as detectron2 gives it, points from 0 to 100;
- `metric_map`: `"pan_seg_PQ->acc"`, for the metric, divided by 100, was written over the classification accuracy `acc`;
- `flops` and `params`: of the task's whole network, in G and M, where it was profiled (their earlier names,
  `flops_pan_seg` and `params_pan_seg`, are removed); where it was not, `flops` is counted on the graph;
- `n_params`: parameters of the classification network;
- `compute graph`, and under `obj_det` and the like those of other tasks: objects of `CLASSES`;
- `detectron2_metrics`: all metrics and losses, a dict of dicts; and metrics of other tasks, such as `inst_seg_AP`.

The graphs are stepped over: they repeat the configuration operator by operator. Not checked, for the files were not at
hand: how many networks they hold, whether all were profiled, and whether they were written by this very version of the
scripts. What differs becomes a rejected record, or an error that names the class or key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autobuild_pipelines.ingestion.errors import IngestError

_MODULE = "model_src.comp_graph.tf_comp_graph"
CLASSES = frozenset({(_MODULE, "ComputeGraph"), (_MODULE, "RegularNode"), (_MODULE, "WeightedNode")})
"""The classes of their graphs, as a pickle names them."""

_PERCENT = ("obj_det_AP", "inst_seg_AP", "sem_seg_mIoU", "pan_seg_PQ")
"""Metrics that the scripts divide by 100 for `acc`."""
_PLAIN_FLOPS = 1e6
"""Above it FLOPs are no billions; their own loader draws the same line."""


def is_aiop(record: Any) -> bool:
    """Whether a record is one of AIO-P's task caches."""
    return isinstance(record, Mapping) and "compute graph" in record and "metric_map" in record


def aiop_record(record: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """A record with the labels that AutoBuild's own caches name: the metric, `flops_<task>` and `params_<task>`.

    Args:
        record: A record of a task cache.
        where: File and row, for errors.

    Returns:
        `original config` and labels; graphs and nested tables are left out.

    Raises:
        IngestError: `metric_map` says something else than which metric was copied over `acc`.
    """
    text = record["metric_map"]
    metric, arrow, copy = text.partition("->") if isinstance(text, str) else ("", "", "")
    if not arrow or copy != "acc" or not metric.isidentifier():
        raise IngestError(f"{where}: 'metric_map' is {text!r:.60}, expected a text such as 'pan_seg_PQ->acc'")
    labels = {key: value for key, value in record.items() if _is_number(value) and isinstance(key, str)}
    copied, flops, params = (labels.pop(key, None) for key in ("acc", "flops", "params"))
    if copied is not None:
        labels.setdefault(metric, 100 * copied if metric in _PERCENT else copied)
    task = metric.rpartition("_")[0] if metric in _PERCENT else "hpe"
    if flops is not None:
        labels.setdefault(f"flops_{task}", flops / 1e9 if flops > _PLAIN_FLOPS else flops)
    if params is not None:
        labels.setdefault(f"params_{task}", params)
    return {"original config": record.get("original config"), **labels}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
