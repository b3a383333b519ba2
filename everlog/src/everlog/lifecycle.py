"""Brings the platform of one home up and takes it down; asking twice does no harm."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from embedded.download import fetch
from embedded.errors import Trouble
from embedded.kafka import make_archive
from embedded.launch import tail
from embedded.ports import free_base, is_taken
from embedded.toolchain import FOR_EMBEDDED_SERVERS, GIT, NPM, PYTHON, require
from everlog import pids, web_assets
from everlog.home import CHECKOUT, DEFAULT_PORT, PORTS, Home
from everlog.services import ports_of
from everlog.status import PlatformStatus, ProcessStatus, look, supervisor_of

Say = Callable[[str], None]

_READY_S_MAX = 180.0
_POLL_S = 0.1
_CRASHES_MAX = 3
# More than the supervisor allows its processes together.
_STOP_S_MAX = 50.0


@dataclass(frozen=True, slots=True)
class Up:
    """The platform, as `up` leaves it."""

    status: PlatformStatus
    started: bool
    password_is_new: bool
    seconds: float


def bring_up(home: Home, say: Say) -> Up:
    """Start what is not running, and wait until people can work with it."""
    begin = time.monotonic()
    with one_at_a_time(home):
        ensured = home.ensure()
        for remark in ensured.remarks:
            say(remark)
        supervisor = supervisor_of(home)
        if supervisor is not None:
            status = _wait(home, lambda: pids.is_alive(supervisor), say)
        else:
            install_all(home, say)
            status = _start(home, say)
    seconds = round(time.monotonic() - begin, 1)
    return Up(status, supervisor is None, ensured.password_is_new, seconds)


@contextlib.contextmanager
def one_at_a_time(home: Home) -> Iterator[None]:
    """Whoever starts or stops something of this home waits for whoever does so already."""
    home.path.mkdir(parents=True, exist_ok=True)
    with (home.path / ".up.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install_all(home: Home, say: Say) -> None:
    """What the machine has to have, and what is fetched once."""
    embedded = home.own_postgres or home.own_kafka
    tools = [GIT, PYTHON, *(FOR_EMBEDDED_SERVERS if embedded else ())]
    if (CHECKOUT / "gateway" / "package.json").exists():
        tools.append(NPM)
    require(tools)
    if embedded:
        servers = fetch(say)
        make_archive(servers, say)
    web_assets.install(say)


def _start(home: Home, say: Say) -> PlatformStatus:
    left = pids.end_leftovers(home.run)
    if left:
        say(f"Ended what an earlier run had left behind: {', '.join(left)}")
    (home.run / "status.json").unlink(missing_ok=True)
    _require_free_ports(home)
    say(f"Starting Everlog in {home.path}")
    supervisor = _spawn_supervisor(home)
    try:
        return _wait(home, lambda: supervisor.poll() is None, say)
    except (Trouble, KeyboardInterrupt):
        take_down(home)
        supervisor.wait()
        raise


def _require_free_ports(home: Home) -> None:
    taken = {port: name for port, name in ports_of(home).items() if is_taken(port)}
    if not taken:
        return
    which = ", ".join(f"{port} (for {name})" for port, name in sorted(taken.items()))
    raise Trouble(
        f"Another program has taken port {which}.",
        "All ports of Everlog derive from EVERLOG_PORT. Choose another one, for example: "
        f"EVERLOG_PORT={free_base(PORTS, DEFAULT_PORT + 100)} make up",
    )


def _spawn_supervisor(home: Home) -> subprocess.Popen[bytes]:
    env = {**home.environ, "EVERLOG_HOME": str(home.path), "EVERLOG_PORT": str(home.port)}
    with home.log("supervisor").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "everlog", "supervise"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.path,
            env=env,
            start_new_session=True,  # it outlives the terminal
        )


def _wait(home: Home, supervisor_lives: Callable[[], bool], say: Say) -> PlatformStatus:
    """Wait until everything essential is ready, naming each as it gets there."""
    begin = time.monotonic()
    named: set[str] = set()
    crashes: dict[str, int] = {}
    while True:
        status = look(home, measure=False)
        for each in status.processes:
            crashes.setdefault(each.name, each.restarts)
            if each.ready and each.name not in named:
                named.add(each.name)
                say(f"  {each.name} ready after {time.monotonic() - begin:.1f} s")
        if status.ready:
            return status
        if not supervisor_lives():
            raise _ended("The supervisor has ended.", home, "supervisor")
        missing = [each for each in status.processes if each.essential and not each.ready]
        for each in missing:
            if each.restarts - crashes[each.name] >= _CRASHES_MAX:
                raise _ended(f"{each.name} does not stay up.", home, each.name)
        if time.monotonic() - begin > _READY_S_MAX:
            raise _not_ready(home, missing)
        time.sleep(_POLL_S)


def _ended(what: str, home: Home, name: str) -> Trouble:
    log = home.log(name)
    return Trouble(what, f"Its log is {log}", tail(log))


def _not_ready(home: Home, missing: list[ProcessStatus]) -> Trouble:
    names = ", ".join(each.name for each in missing) or "supervisor"
    first = missing[0].name if missing else "supervisor"
    return _ended(f"Not ready after {_READY_S_MAX:.0f} s: {names}.", home, first)


def take_down(home: Home) -> list[str]:
    """Stop everything, bounded, and leave no process; the names of what was running."""
    supervisor = supervisor_of(home)
    running = [path.stem for path in sorted(home.run.glob("*.pid")) if pids.read(path)]
    if supervisor is not None:
        pids.end([(supervisor, signal.SIGTERM)], _STOP_S_MAX)
    pids.end_leftovers(home.run)
    (home.run / "status.json").unlink(missing_ok=True)
    return running
