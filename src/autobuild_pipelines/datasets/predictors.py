"""Trained predictors: a card and weights per target, and an index that says they are complete."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from kedro.io.core import DatasetError

from autobuild_pipelines.datasets.atomic_file import AtomicFileDataset

INDEX = "predictors.json"


class PredictorsDataset(AtomicFileDataset[Any]):
    """All predictors of a space: `<target>.safetensors` and `<target>.json` beside an index `predictors.json`.

    ```yaml
    "{space}.predictors":
      type: autobuild_pipelines.datasets.PredictorsDataset
      filepath: data/06_models/{space}/predictors/predictors.json
      versioned: true
    ```

    The index is written last and whole: where it exists, everything it names exists. Without versioning the folder
    should hold nothing else; saving again first removes the index.
    """

    file_name = INDEX
    made_by = "predictors"
    cards = "autobuild_pipelines.predictors.cards"
    """What turns predictors into files and back; imported when it is needed, since it imports torch."""

    def load(self) -> Any:
        """The predictors.

        Raises:
            DatasetError: There is no index.
            ValueError: A card or its weights are missing or do not fit each other; names the file.
        """
        index = self._load_location()
        if not self._fs.isfile(index):
            raise DatasetError(f"{index}: no predictors there; run the pipeline '{self.made_by}' first")
        folder = index.rsplit("/", 1)[0]
        found = [str(path) for path in self._fs.ls(folder, detail=False) if _belongs(str(path))]
        return import_module(self.cards).from_files(
            {path.rsplit("/", 1)[-1]: self._read_bytes(path) for path in sorted(found)}
        )

    def save(self, data: Any) -> None:
        """Write weights and cards, then the index."""
        files = dict(import_module(self.cards).to_files(data))
        content = files.pop(INDEX, None)
        if content is None:
            raise DatasetError(f"the files of the predictors lack {INDEX}")
        if odd := [name for name in files if "/" in name or "\\" in name or not _belongs(name)]:
            raise DatasetError(f"a predictor cannot be kept as {odd[0]!r}")
        index = self._save_location()
        folder = index.rsplit("/", 1)[0]
        if self._fs.isfile(index):
            self._fs.rm_file(index)
        for name in sorted(files):
            self._write_bytes(f"{folder}/{name}", files[name])
        self._write_bytes(index, content)


class OperatorPredictorsDataset(PredictorsDataset):
    """Predictors of operator graphs, kept in the same way.

    ```yaml
    "{space}.operator_predictor":
      type: autobuild_pipelines.datasets.OperatorPredictorsDataset
      filepath: data/06_models/{space}/operator_predictor/predictors.json
      versioned: true
    ```
    """

    made_by = "ir_insight"
    cards = "autobuild_pipelines.predictors.operator_cards"


def _belongs(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return not name.startswith(".") and name.endswith((".json", ".safetensors"))
