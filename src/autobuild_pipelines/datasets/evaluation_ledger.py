"""The evaluation ledger as a dataset: the object through which nodes read and record evaluations."""

from __future__ import annotations

from typing import Any, NoReturn

from kedro.io.core import AbstractDataset, DatasetError

from autobuild_pipelines.evaluators.ledger import EvaluationLedger
from autobuild_pipelines.evaluators.ledger_errors import LedgerError, shown
from autobuild_pipelines.evaluators.ledger_schema import read_url


class EvaluationLedgerDataset(AbstractDataset[NoReturn, EvaluationLedger]):
    """The ledger of finished evaluations, in a file or on a server.

    ```yaml
    evaluation_ledger:
      type: autobuild_pipelines.datasets.EvaluationLedgerDataset
      url: sqlite:///${project_root:}/data/01_raw/measured/evaluations.db
    ```

    On PostgreSQL, for several machines, with the password in `conf/local/credentials.yml` (`ledger: {url: ...}`):

    ```yaml
    evaluation_ledger:
      type: autobuild_pipelines.datasets.EvaluationLedgerDataset
      credentials: ledger
      unrecorded: data/01_raw/measured/unrecorded.jsonl
    ```

    `catalog.load("evaluation_ledger").table()` is a table of all evaluations.

    Args:
        url: `sqlite:///path/of/file` or `postgresql://user@host/database`.
        credentials: `{url: ...}` instead of `url`, when it holds a password.
        busy_timeout_s: How long an SQLite ledger waits for a lock of another process.
        unrecorded: File for what could not be recorded, see `EvaluationLedger`.
        metadata: Kept for plugins.

    Raises:
        DatasetError: There is no URL, or two, or it names no ledger.
    """

    def __init__(
        self,
        *,
        url: str | None = None,
        credentials: dict[str, Any] | None = None,
        busy_timeout_s: float = 10.0,
        unrecorded: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        secret = (credentials or {}).get("url")
        if (url is None) == (secret is None):
            raise DatasetError("evaluation ledger: give either `url` or `credentials` with a key `url`")
        self._url: str = url or str(secret)
        try:
            self._shown = shown(read_url(self._url))
        except LedgerError as error:
            raise DatasetError(str(error)) from None
        self._busy_timeout_s = busy_timeout_s
        self._unrecorded = unrecorded
        self.metadata = metadata

    def load(self) -> EvaluationLedger:
        """The ledger, with its tables made if they were not there.

        Raises:
            DatasetError: It cannot be opened; says why and what would help.
        """
        try:
            return EvaluationLedger(self._url, busy_timeout_s=self._busy_timeout_s, unrecorded=self._unrecorded)
        except LedgerError as error:
            raise DatasetError(str(error)) from error

    def save(self, data: NoReturn) -> NoReturn:
        """Refused: evaluations are recorded one by one, through what `load` gives.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"evaluation ledger {self._shown}: is written by `load().record(...)`, not saved")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"url": self._shown}
