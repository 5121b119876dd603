"""Servers that a test starts in a copy of the project, such as MLflow's, and ends with it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from project_copy import environment

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
"""Programs that tests of pages can drive, whichever is installed."""


@contextlib.contextmanager
def serving(project: Path, *arguments: str) -> Iterator[str]:
    """The address at which `kedro <arguments> --port=...` answers in the copy, while it runs."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}/"
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", *arguments, f"--port={port}"],
        cwd=project,
        env=environment(project, PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        fetch(address, process)
        yield address
    finally:
        _stop(process)


def fetch(url: str, process: subprocess.Popen[bytes] | None = None, attempts: int = 600) -> str:
    """The page, as soon as the server answers.

    Raises:
        AssertionError: It does not, or its process ended.
    """
    for _ in range(attempts):
        assert process is None or process.poll() is None, f"the server of {url} ended"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer")


def _free_port() -> int:
    """A port that nothing listens on, below the ephemeral ones: kedro-viz refuses those above 49151."""
    for port in range(20_000 + os.getpid() % 10_000, 32_768):
        with socket.socket() as found:
            if found.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no free port")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server with the processes that it started."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
