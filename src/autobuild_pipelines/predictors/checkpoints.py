"""The authors' released predictors (method, section 8): their state dicts mapped onto this package's modules."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from autobuild_pipelines.graphs import FeatureSchema
from autobuild_pipelines.predictors.model import FEMLP, GraphPredictor, ModelSettings
from autobuild_pipelines.predictors.stacked import PredictorError
from autobuild_pipelines.predictors.trained import TrainedPredictors
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

_NODE_INPUTS = {"unit": "stage", "layer": "block", "block": "mbconv", "expand": "exp", "kernel": "kernel"}
"""Our category name to the prefix of its tensors under `embed_layer`, in the order in which they are concatenated."""
_NUMERIC_INPUT = "resolution"
_LINE = "embed_layer.res_mlp.0"
_CONFIG_KEYS = ("gnn_type", "gnn_dim", "num_layers", "aggr_method", "gnn_activ", "reg_activ", "target")


@dataclass(frozen=True, eq=False)
class ReleasedCheckpoint:
    """A checkpoint in the authors' layout, not yet tied to a search space.

    Attributes:
        name: What it is called in messages.
        state: Its tensors, on the CPU.
        config: Its configuration.
    """

    name: str
    state: dict[str, Tensor]
    config: dict[str, Any]

    @property
    def target(self) -> str:
        """The label that it predicts."""
        return str(self.config["target"])

    def for_space(self, space: SearchSpace) -> ReleasedPredictor:
        """The predictor on a search space.

        Raises:
            PredictorError: The space lacks an input of the checkpoint, or a tensor is missing or of another shape.
        """
        schema = FeatureSchema.of(space)
        names = [category.name for category in schema.categories]
        if names != [*_NODE_INPUTS, _NUMERIC_INPUT] or schema.categories[-1].scaled is None:
            raise PredictorError(
                f"{self.name}: reads the features {[*_NODE_INPUTS, _NUMERIC_INPUT]} (the last one scaled), but space "
                f"{space.name!r} has {names}"
            )
        settings = ModelSettings(
            layer=str(self.config["gnn_type"]),
            hidden=int(self.config["gnn_dim"]),
            layers=int(self.config["num_layers"]),
            aggregation=str(self.config["aggr_method"]),
            activation=str(self.config["gnn_activ"]),
            head_activation=str(self.config["reg_activ"]),
            embedding=max(self._widths()),
        )
        model = GraphPredictor(schema, settings)
        self._load(model, schema)
        moments = self._tensor("mlp_moments").double().numpy()
        hops = self._tensor("hop_moments").double().numpy()
        trained = TrainedPredictors(
            space,
            (self.target,),
            {self.target: self.target},
            model.eval(),
            moments[:1],
            moments[1:],
            hops[:1],
            hops[1:],
        )
        return ReleasedPredictor(trained, self._statistics(space))

    def _widths(self) -> list[int]:
        prefixes = [f"{prefix}_embed.weight" for prefix in _NODE_INPUTS.values()]
        return [self._tensor(f"embed_layer.{key}").shape[1] for key in prefixes] + [len(self._tensor(_LINE + ".bias"))]

    def _load(self, model: GraphPredictor, schema: FeatureSchema) -> None:
        """Copy all tensors; categories narrower than the widest are padded with zeros, which add nothing."""
        mlp, row = model.fe_mlp, 0
        with torch.no_grad():
            for parameter in (mlp.embedding, mlp.slope, mlp.intercept, mlp.projection):
                parameter.zero_()
            for index, (category, prefix) in enumerate(zip(schema.categories, _NODE_INPUTS.values(), strict=False)):
                table = self._tensor(f"embed_layer.{prefix}_embed.weight")
                count, width = len(category.values), table.shape[1]
                if len(table) < count:
                    raise PredictorError(
                        f"{self.name}: knows {len(table)} values of {category.name!r}, the space has {count}"
                    )
                self._copy(mlp.embedding[:, row : row + count, :width], table[:count])
                self._project(mlp, index, width, f"embed_layer.{prefix}_mlp")
                row += count
            width = len(self._tensor(_LINE + ".bias"))
            self._copy(mlp.slope[:, 0, :width], self._tensor(_LINE + ".weight")[:, 0])
            self._copy(mlp.intercept[:, 0, :width], self._tensor(_LINE + ".bias"))
            self._project(mlp, len(_NODE_INPUTS), width, "embed_layer.res_mlp.1")
            for hop in range(model.hops):
                self._message_passing(model.layer(hop), f"encoder.gnn_layers.{hop}")
                norm = model.norms[hop]
                for key in ("weight", "bias", "running_mean", "running_var"):
                    self._copy(getattr(norm, key), self._tensor(f"encoder.bns.{hop}.module.{key}"))
            for ours_index, theirs_index in enumerate((0, 1, 3, 4)):
                self._linear(model.head[ours_index], f"post_proj.{theirs_index}")
            self._linear(model.regressor, "regressor")

    def _message_passing(self, layer: Any, prefix: str) -> None:
        if self.config["gnn_type"] == "GATv2Conv":
            self._linear(layer.left, f"{prefix}.lin_l")
            self._linear(layer.right, f"{prefix}.lin_r")
            self._copy(layer.attention, self._tensor(f"{prefix}.att"))
            self._copy(layer.bias, self._tensor(f"{prefix}.bias"))
        else:
            self._linear(layer.neighbours, f"{prefix}.lin_rel")
            self._linear(layer.root, f"{prefix}.lin_root")

    def _project(self, mlp: FEMLP, index: int, width: int, prefix: str) -> None:
        self._copy(mlp.projection[:, index, :width], self._tensor(f"{prefix}.weight")[0])
        self._copy(mlp.projection_bias[:, index], self._tensor(f"{prefix}.bias"))

    def _linear(self, linear: Any, prefix: str) -> None:
        self._copy(linear.weight, self._tensor(f"{prefix}.weight").T)
        if linear.bias is not None:
            self._copy(linear.bias, self._tensor(f"{prefix}.bias"))

    def _copy(self, parameter: Tensor, value: Tensor) -> None:
        if value.numel() != parameter.numel() or value.shape[-1] != parameter.shape[-1]:
            raise PredictorError(
                f"{self.name}: a tensor has shape {list(value.shape)}, expected {list(parameter.shape[1:])}"
            )
        parameter.copy_(value.reshape(parameter.shape))

    def _tensor(self, key: str) -> Tensor:
        if key not in self.state:
            raise PredictorError(f"{self.name}: tensor {key!r} is missing; is this one of the authors' predictors?")
        return self.state[key].float()

    def _statistics(self, space: SearchSpace) -> pd.DataFrame:
        """Label moments per (unit, layers) that the checkpoint carries; none where it holds only defaults."""
        moments = self.state.get("embed_layer.moment_tsr")
        rows = []
        if moments is not None:
            for unit, hops in zip(space.ranking_units, moments.double().tolist(), strict=False):
                for hop, (mean, std) in enumerate(hops):
                    if (mean, std) != (0.0, 1.0) and hop + 1 in unit.depths:
                        # The checkpoint records no counts; it was trained on thousands of architectures.
                        rows.append((self.target, unit.number, hop + 1, mean, std, _UNKNOWN_COUNT))
        return pd.DataFrame(rows, columns=["target", "unit", "layers", "mean", "std", "count"])


_UNKNOWN_COUNT = 2**31 - 1


@dataclass(frozen=True, eq=False)
class ReleasedPredictor:
    """A released predictor on a search space.

    Attributes:
        trained: The same as a stack of one trained predictor, for scoring.
        label_statistics: (unit, layers) moments stored in the checkpoint, in the form of `scoring.label_statistics`
            with a placeholder count; empty when it predicts only.
    """

    trained: TrainedPredictors
    label_statistics: pd.DataFrame

    def predict(self, array: ArchitectureArray) -> NDArray[np.float64]:
        """[n] predicted labels of encoded architectures."""
        values: NDArray[np.float64] = self.trained.predict(array)[0]
        return values


def load_released(weights: bytes, config: Mapping[str, Any], *, name: str = "released predictor") -> ReleasedCheckpoint:
    """Read a checkpoint: tensors only, nothing in the file is executed.

    Args:
        weights: Content of a `*_predictor.pt` file.
        config: The plain values of its configuration.
        name: What to call it in messages.

    Raises:
        PredictorError: Not a state dict of tensors, or the configuration lacks a key.
    """
    if missing := [key for key in _CONFIG_KEYS if key not in config]:
        raise PredictorError(f"{name}: its configuration lacks {missing}")
    try:
        state = torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise PredictorError(f"{name}: not a PyTorch file of plain tensors: {str(error).splitlines()[0]}") from None
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise PredictorError(f"{name}: expected a state dict of tensors, got {type(state).__name__}")
    return ReleasedCheckpoint(name, dict(state), dict(config))
