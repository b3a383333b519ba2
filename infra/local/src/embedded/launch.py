"""How a process is started, awaited and stopped, so that none outlives who started it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from embedded.account import Account
from embedded.errors import Trouble

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything needed to start one process."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None


class Server(Protocol):
    """A server that can be prepared once, launched, and asked whether it is ready."""

    name: str

    def prepare(self) -> None: ...

    def launch(self, log: Path) -> Launch: ...

    def is_ready(self) -> bool: ...


def _die_with_parent(parting: signal.Signals) -> Callable[[], None]:
    """Have the kernel send the signal when the starting process is gone, however it went.

    Only Linux offers it; elsewhere the pid files of the operator's command do the cleaning.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def set_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, int(parting), 0, 0, 0)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return set_signal


def start(launch: Launch) -> subprocess.Popen[bytes]:
    """Start the process in a session of its own, its output appended to its log."""
    launch.log.parent.mkdir(parents=True, exist_ok=True)
    account = launch.account
    with launch.log.open("ab") as log:
        return subprocess.Popen(
            launch.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=launch.cwd,
            env=dict(launch.env),
            start_new_session=True,
            preexec_fn=_die_with_parent(launch.stop_signal),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def sweep(pid: int) -> None:
    """Kill what is left of a process's group once the process itself has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, grace_s: float = 20) -> int:
    """Ask the process to end; after the grace, end it. Its children do not survive it."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        code = process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    sweep(process.pid)
    return code


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def wait_until_ready(
    server: Server, process: subprocess.Popen[bytes], log: Path, limit_s: float = 60
) -> None:
    """Wait, within bounds, until the server answers."""
    end = time.monotonic() + limit_s
    while not server.is_ready():
        if (code := process.poll()) is not None:
            raise Trouble(f"{server.name} ended with status {code}.", f"See {log}.", tail(log))
        if time.monotonic() > end:
            raise Trouble(
                f"{server.name} was not ready within {limit_s:.0f} s.", f"See {log}.", tail(log)
            )
        time.sleep(_POLL_S)


@contextlib.contextmanager
def running(server: Server, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server, prepared, started and ready; stopped when the block ends."""
    server.prepare()
    launch = server.launch(log)
    process = start(launch)
    try:
        wait_until_ready(server, process, log)
        yield process
    finally:
        stop(process, launch.stop_signal)


def run_once(launch: Launch, limit_s: float = 120) -> None:
    """Run a command of preparation to its end; raise Trouble with its output if it fails."""
    account = launch.account
    try:
        done = subprocess.run(
            launch.argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=launch.cwd,
            env=dict(launch.env),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            timeout=limit_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Trouble(f"{launch.name} failed: {error}") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()
        raise Trouble(f"{launch.name} failed with status {done.returncode}.", detail=output)
