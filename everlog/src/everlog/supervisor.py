"""The supervisor: starts every process in order, restarts what crashes, stops all in reverse.

One thread and no waiting on any child: a loop that looks who has ended, starts what is due and
sleeps until a signal (a child's end is one) or the next restart.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis import logs as json_logs
from embedded.download import Servers, fetch
from embedded.errors import Trouble
from embedded.launch import Launch, start, sweep
from everlog import logs, pids
from everlog.home import Home
from everlog.sampling import sample_of
from everlog.services import Member, Stage, members

_log = logging.getLogger("everlog.supervisor")

_BACKOFF_S_MIN = 0.2
_BACKOFF_S_MAX = 10.0
_SETTLED_AFTER_S = 30.0
_PROBE_S = 0.05
_IDLE_S = 5.0
_STATUS = "status.json"
_GRACE_S = {Stage.GATEWAY: 8.0, Stage.SERVICES: 15.0, Stage.SERVERS: 20.0}


@dataclass(slots=True)
class Watched:
    """One process under watch."""

    name: str
    stage: Stage
    member: Member | None = None
    process: subprocess.Popen[bytes] | None = None
    launch: Launch | None = None
    state: str = "waiting"
    since: float = 0.0
    due: float = 0.0
    failures_in_a_row: int = 0
    restarts: int = 0
    last_exit: int | None = None

    def turn(self, state: str) -> None:
        """Change the state."""
        self.state = state
        self.since = time.time()


class Notes:
    """What is written down beside the watching. A disk that is full, or away, must not end the
    watch: what fails is said once, tried again, and said again when it works."""

    def __init__(self) -> None:
        self._failing: dict[str, tuple[float, OSError]] = {}

    def write(self, what: str, how: Callable[[], None]) -> bool:
        """Whether it could be written."""
        try:
            how()
        except OSError as error:
            if what not in self._failing:
                self._failing[what] = (time.time(), error)
                _log.error("%s cannot be written: %s; the watch goes on", what, error)
            return False
        if what in self._failing:
            since, why = self._failing.pop(what)
            begin = time.strftime("%H:%M:%S", time.gmtime(since))
            _log.warning("%s can be written again; it could not since %s: %s", what, begin, why)
        return True

    def is_owed(self, what: str) -> bool:
        """Whether the last try failed."""
        return what in self._failing

    def forget(self, what: str) -> None:
        """It need not be written any more."""
        self._failing.pop(what, None)


class Supervisor:
    """Watches over the processes of one home."""

    def __init__(
        self,
        home: Home,
        watched: Sequence[Member],
        set_up: Launch | None,
        afterwards: Launch | None = None,
    ) -> None:
        """`set_up` runs once before the services start, `afterwards` once beside them."""
        self._home = home
        self._watched = [Watched(each.name, each.stage, each) for each in watched]
        self._setup = Watched("setup", Stage.SERVERS, launch=set_up) if set_up else None
        self._afterwards = (
            Watched(afterwards.name, Stage.GATEWAY, launch=afterwards) if afterwards else None
        )
        self._set_up = set_up is None
        self._stopping = False
        self._rotate_due = 0.0
        self._notes = Notes()
        self._woken, self._waker = socket.socketpair()

    def run(self) -> None:
        """Watch until asked to stop."""
        self._listen_to_signals()
        self._write_status()
        try:
            while not self._stopping:
                if not self._turn():  # else what changed may let the next one start
                    self._sleep()
        finally:
            self._stop_all()

    def _listen_to_signals(self) -> None:
        for end in (self._woken, self._waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # so that it wakes the loop
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _ask_to_stop(self, *_: object) -> None:
        self._stopping = True

    def _turn(self) -> bool:
        """Look at every process once; whether anything changed."""
        before = self._picture()
        for watched in self._all():
            self._notice_end(watched)
        for watched in self._due():
            self._start(watched)
        for watched in self._all():
            self._notice_readiness(watched)
        changed = self._picture() != before
        if changed or self._notes.is_owed(_STATUS):
            self._write_status()
        for watched in self._all():
            if self._notes.is_owed(f"{watched.name}.pid"):
                self._write_pid(watched)
        self._rotate()
        return changed

    def _all(self) -> list[Watched]:
        once = (self._setup, self._afterwards)
        return [*self._watched, *(each for each in once if each)]

    def _due(self) -> Iterator[Watched]:
        now = time.monotonic()
        servers_ready = all(
            each.state == "running" for each in self._watched if each.stage is Stage.SERVERS
        )
        if self._setup and not self._set_up and servers_ready:
            yield from self._waiting([self._setup], now)
        stages = set(Stage) if self._set_up else {Stage.SERVERS}
        yield from self._waiting([each for each in self._watched if each.stage in stages], now)
        if self._afterwards and all(each.state == "running" for each in self._watched):
            yield from self._waiting([self._afterwards], now)

    def _waiting(self, candidates: list[Watched], now: float) -> list[Watched]:
        return [each for each in candidates if each.process is None and each.due <= now]

    def _start(self, watched: Watched) -> None:
        log = self._home.log(watched.name)
        self._rotate_log(watched.name)
        try:
            if watched.member:
                watched.member.server.prepare()
                watched.launch = watched.member.server.launch(log)
            assert watched.launch is not None
            watched.process = start(watched.launch)
        except (Trouble, OSError) as problem:
            detail = problem.detail if isinstance(problem, Trouble) else ""
            told = f"cannot be started: {problem}"
            self._notes.write(log.name, lambda: _add(log, f"{told}\n{detail}\n"))
            self._fail(watched, told)
            return
        self._write_pid(watched)
        watched.turn("starting")
        _log.info("%s started, pid %d", watched.name, watched.process.pid)

    def _notice_end(self, watched: Watched) -> None:
        if watched.process is None or (code := watched.process.poll()) is None:
            return
        sweep(watched.process.pid)
        self._remove_pid(watched)
        watched.process = None
        watched.last_exit = code
        if watched.member is None and code == 0:
            self._set_up = self._set_up or watched is self._setup
            watched.due = float("inf")
            watched.turn("done")
            _log.info("%s done", watched.name)
            return
        if time.time() - watched.since > _SETTLED_AFTER_S:
            watched.failures_in_a_row = 0
        self._fail(watched, f"ended with status {code}")

    def _fail(self, watched: Watched, why: str) -> None:
        delay_s = min(_BACKOFF_S_MIN * 2**watched.failures_in_a_row, _BACKOFF_S_MAX)
        watched.failures_in_a_row = min(watched.failures_in_a_row + 1, 30)
        watched.restarts += 1
        watched.due = time.monotonic() + delay_s
        watched.turn("restarting")
        _log.warning("%s %s; again in %.1f s", watched.name, why, delay_s)

    def _notice_readiness(self, watched: Watched) -> None:
        """Only the servers are asked: all others may start as soon as these are ready."""
        if watched.state != "starting" or watched is self._setup:
            return
        if (
            watched.member is None
            or watched.stage is not Stage.SERVERS
            or watched.member.server.is_ready()
        ):
            watched.turn("running")
            _log.info("%s running", watched.name)

    def _sleep(self) -> None:
        now = time.monotonic()
        limit_s = _IDLE_S
        for each in self._all():
            if each.state == "starting":
                limit_s = _PROBE_S
            elif each.process is None and each.due > now:
                limit_s = min(limit_s, each.due - now)
        select.select([self._woken], [], [], limit_s)
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)

    def _rotate(self) -> None:
        if time.monotonic() >= self._rotate_due:
            self._rotate_due = time.monotonic() + _IDLE_S
            for name in ("supervisor", *(each.name for each in self._all())):
                self._rotate_log(name)

    def _rotate_log(self, name: str) -> None:
        log = self._home.log(name)
        self._notes.write(f"{log.name}.1", lambda: logs.rotate(log))

    def _stop_all(self) -> None:
        """Everything, in reverse, within bounds."""
        signal.set_wakeup_fd(-1)
        _log.info("stopping")
        once = [each for each in self._all() if each.member is None]
        self._stop(once, _GRACE_S[Stage.SERVERS])
        for stage in sorted(Stage, reverse=True):
            self._stop([each for each in self._watched if each.stage is stage], _GRACE_S[stage])
        self._write_status()
        _log.info("stopped")

    def _stop(self, group: list[Watched], grace_s: float) -> None:
        end = time.monotonic() + grace_s
        for each in group:
            if each.process and each.launch:
                each.turn("stopping")
                each.process.send_signal(each.launch.stop_signal)
        for each in group:
            if each.process:
                try:
                    each.last_exit = each.process.wait(max(0.0, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    _log.warning("%s does not stop within %.0f s; killed", each.name, grace_s)
                    each.process.kill()
                    each.last_exit = each.process.wait()
                sweep(each.process.pid)
                self._remove_pid(each)
                each.process = None
            each.turn("stopped")

    def _write_pid(self, watched: Watched) -> None:
        if watched.process is not None:
            path, pid = self._home.run / f"{watched.name}.pid", watched.process.pid
            self._notes.write(path.name, lambda: pids.write(path, pid))

    def _remove_pid(self, watched: Watched) -> None:
        path = self._home.run / f"{watched.name}.pid"
        self._notes.forget(path.name)
        path.unlink(missing_ok=True)

    def _picture(self) -> list[tuple[str, int]]:
        return [(each.state, each.restarts) for each in self._all()]

    def _write_status(self) -> None:
        status = {
            "pid": os.getpid(),
            "port": self._home.port,
            "processes": [self._describe(each) for each in self._all()],
        }
        path = self._home.run / _STATUS
        fresh = path.with_suffix(".new")

        def write() -> None:
            fresh.write_text(json.dumps(status, indent=2) + "\n")
            fresh.rename(path)

        self._notes.write(_STATUS, write)

    def _describe(self, watched: Watched) -> dict[str, object]:
        member = watched.member
        return {
            "name": watched.name,
            "state": watched.state,
            "pid": watched.process.pid if watched.process else None,
            "port": member.port if member else None,
            "speaks": member.speaks if member else None,
            "essential": member.essential if member else watched is self._setup,
            "since": watched.since,
            "restarts": watched.restarts,
            "last_exit": watched.last_exit,
            "log": str(self._home.log(watched.name)),
        }


def _add(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


@contextlib.contextmanager
def alone(home: Home) -> Iterator[None]:
    """One supervisor per home; the lock ends with the process, however it ends."""
    with (home.run / "supervisor.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(f"{home.path} has a supervisor already.", "See: everlog status") from None
        pids.end_leftovers(home.run)  # of a supervisor that was killed
        try:
            pids.write(home.run / "supervisor.pid", os.getpid())
        except OSError as error:
            raise Trouble(f"Nothing can be written to {home.run}: {error}", "Make room.") from error
        yield
        (home.run / "supervisor.pid").unlink(missing_ok=True)


def set_up(home: Home) -> Launch:
    """The command that prepares databases and topics, run by the supervisor before the services."""
    env = {**home.environ, "EVERLOG_HOME": str(home.path), "EVERLOG_PORT": str(home.port)}
    argv = (sys.executable, "-P", "-m", "everlog", "setup")
    return Launch("setup", argv, env, home.path, home.log("setup"))


def supervise(home: Home) -> None:
    """Run the platform of one home until asked to stop."""
    for remark in home.ensure().remarks:
        _log.warning("%s", remark)
    servers: Servers | None = None
    if home.own_postgres or home.own_kafka:
        servers = fetch(lambda text: _log.info("%s", text))
    with alone(home):
        Supervisor(home, members(home, servers), set_up(home), sample_of(home)).run()


def main() -> int:
    """`python -m everlog supervise`."""
    json_logs.configure("supervisor")
    try:
        supervise(Home.of(os.environ))
    except Trouble as trouble:
        _log.error("%s %s", trouble.what, trouble.advice)
        return 1
    return 0
