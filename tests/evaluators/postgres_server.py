"""A PostgreSQL server of one's own, from Debian's package."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

PASSWORD = "s3cret-password"


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, if PostgreSQL is installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (str(debian[-1]) if debian else None)
    return None if found is None else Path(found).resolve().parent


class PostgresServer:
    """A server on a free port of this machine, with an empty database "evaluations".

    PostgreSQL refuses to run as root; then it runs as nobody.
    """

    def __init__(self) -> None:
        # Not in pytest's folders: they are root's alone, and every pytest that starts makes them so again.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._folder.chmod(0o755)
        if os.geteuid() == 0:
            shutil.chown(self._folder, "nobody")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        data = ["-D", str(self._folder / "data")]
        self._run("initdb", *data, "-U", "tester", "-A", "scram-sha-256", f"--pwfile={password}", "--no-sync")
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tester", "evaluations")

    @property
    def url(self) -> str:
        """The URL of the database."""
        return f"postgresql://tester:{PASSWORD}@127.0.0.1:{self.port}/evaluations"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        log = ["-l", str(self._folder / "log")]
        self._run("pg_ctl", "-D", str(self._folder / "data"), *log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop it, whoever is connected."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def close(self) -> None:
        """Stop it if it still runs, and remove its files."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        folder = programs()
        assert folder is not None
        subprocess.run(
            [str(folder / program), *arguments],
            check=True,
            cwd=self._folder,
            env={**os.environ, "PGPASSWORD": PASSWORD, "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **({"user": "nobody"} if os.geteuid() == 0 else {}),  # type: ignore[arg-type]
        )
