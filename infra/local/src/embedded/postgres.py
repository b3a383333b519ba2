"""PostgreSQL: initialised once, then started on its data with settings for a small machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from embedded.account import Account, borrowed_walk, give, unprivileged
from embedded.download import Servers
from embedded.launch import Launch, run_once

_SSL_REQUEST = struct.pack(">ii", 8, 80877103)

# Whatever an operator wants otherwise goes into local.conf beside the data; it is read last.
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "huge_pages": "off",
    "jit": "off",
    "random_page_cost": "1.1",
    "max_wal_size": "512MB",
    # There is no standby; and a table filled by COPY where it was made needs no WAL then,
    # which is what a rebuild of a read model does.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "10min",
    "track_commit_timestamp": "off",
    "autovacuum": "on",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] %q%u@%d '",
    "log_checkpoints": "off",
    "log_min_duration_statement": "'2s'",
    # What the log would quote of rows and parameters may be about people.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
}


class Postgres:
    """One PostgreSQL server on loopback; everything it has lies under `home`."""

    name = "postgres"

    def __init__(
        self,
        servers: Servers,
        home: Path,
        port: int,
        password: str,
        *,
        unsafe_but_fast: bool = False,
    ) -> None:
        self._servers = servers
        self._home = home
        self._data = home / "data"
        self._port = port
        self._password = password
        # For tests alone: a crash of the machine may then destroy the data.
        self._durable = not unsafe_but_fast
        self._pid = 0

    @property
    def dsn(self) -> str:
        """How the superuser connects."""
        password = quote(self._password, safe="")
        return f"postgresql://postgres:{password}@127.0.0.1:{self._port}/postgres"

    def prepare(self) -> None:
        """Initialise the data once; write the settings every time."""
        self._home.mkdir(parents=True, exist_ok=True)
        account = unprivileged(self._data)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(account)
        elif account is not None and self._data.stat().st_uid != account.uid:
            give(self._data, account)
        self._write_settings(account)
        self._remove_stale_pid_file()

    def _initialise(self, account: Account | None) -> None:
        fresh = self._home / "data.new"  # renamed when complete: no half-made data after a crash
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        give(fresh, account)
        with tempfile.NamedTemporaryFile("w", dir=self._home, suffix=".password") as secret:
            secret.write(self._password)
            secret.flush()
            give(Path(secret.name), account)
            self._run_initdb(fresh, Path(secret.name), account)
        fresh.rename(self._data)

    def _run_initdb(self, data: Path, secret: Path, account: Account | None) -> None:
        argv = (
            str(self._servers.postgres / "bin" / "initdb"),
            f"--pgdata={data}",
            "--username=postgres",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            # Sorts the same on every machine, whatever its C library says.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            *(() if self._durable else ("--no-sync",)),
        )
        run_once(self._launch(argv, data, account))

    def launch(self, log: Path) -> Launch:
        """How to start the server."""
        argv = (
            str(self._servers.postgres / "bin" / "postgres"),
            "-D",
            str(self._data),
            f"--config-file={self._data / 'everlog.conf'}",
        )
        return self._launch(argv, log, unprivileged(self._data))

    def _launch(self, argv: tuple[str, ...], log: Path, account: Account | None) -> Launch:
        if account is not None:
            walk = borrowed_walk(account, (self._servers.postgres, self._home))
            if walk:  # the account is changed by what stands before the command, not by us
                argv = (*walk, "--pdeathsig=INT", *argv)
                account = None
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
        # SIGINT is the fast shutdown: sessions are ended, the data is written.
        return Launch(self.name, argv, env, self._home, log, signal.SIGINT, account)

    def _write_settings(self, account: Account | None) -> None:
        settings = {**_SETTINGS, "port": str(self._port)}
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        lines = ["# Written at every start; put your own settings into local.conf."]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        lines.append("include_if_exists = 'local.conf'")
        path = self._data / "everlog.conf"
        path.write_text("\n".join(lines) + "\n")
        give(path, account)

    def _remove_stale_pid_file(self) -> None:
        """After a crash of the machine another process may have the old number; PostgreSQL would
        take it for itself and refuse to start."""
        path = self._data / "postmaster.pid"
        try:
            pid = int(path.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if str(self._data) not in _arguments(pid):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def is_ready(self) -> bool:
        """Whether it accepts connections: the server itself says so in its pid file."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        if len(lines) < 8 or lines[7].strip() != "ready":
            return False
        # The file may be a killed server's; its successor rewrites it before it listens.
        return answers(self._port)


def answers(port: int, timeout_s: float = 1.0) -> bool:
    """Whether a server says if it speaks TLS: the kernel alone would accept the connection, also
    for a process that is frozen."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
            connection.sendall(_SSL_REQUEST)
            return connection.recv(1) in (b"N", b"S")
    except OSError:
        return False


def _arguments(pid: int) -> str:
    """The command line of a process; empty if there is none."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return ""
    found = subprocess.run(
        ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout
