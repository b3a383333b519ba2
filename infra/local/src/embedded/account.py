"""The account PostgreSQL runs under: it refuses to run as root, so root lends it another one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import Trouble

# Bits of /proc/<pid>/status; either lets a process walk through directories closed to it.
_WALKING_CAPABILITIES = (("dac_read_search", 2), ("dac_override", 1))


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged user of this machine."""

    name: str
    uid: int
    gid: int


def unprivileged(data: Path) -> Account | None:
    """The account to run as, or None if we are not root and simply run as ourselves.

    Data that is there already keeps its owner: the account must not change under it.
    """
    if os.geteuid() != 0:
        return None
    if sys.platform != "linux":
        raise Trouble("PostgreSQL does not run as root.", "Run Everlog as an ordinary user.")
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return _account(owner)
    for name in ("postgres", "nobody"):
        try:
            return _account(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise Trouble(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody.",
        "Create one (useradd --system postgres) or run Everlog as an ordinary user.",
    )


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Trouble(
            f"The database files belong to user {uid}, whom this machine does not know.",
            "Give them to an existing user (chown -R postgres), or use another EVERLOG_HOME.",
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def give(path: Path, account: Account | None) -> None:
    """Make a file or a directory with all in it the account's own."""
    if account is None:
        return
    os.chown(path, account.uid, account.gid)
    if path.is_dir():
        for inner in path.rglob("*"):
            os.chown(inner, account.uid, account.gid, follow_symlinks=False)


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account can walk to a directory and look into it."""
    return (
        subprocess.run(
            ["test", "-x", str(path)],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            check=False,
        ).returncode
        == 0
    )


def borrowed_walk(account: Account, paths: Iterable[Path]) -> tuple[str, ...]:
    """What to put before a command so that the account reaches the paths; empty if it does anyway.

    A checkout below /root or `mktemp -d` is closed to everybody else. Opening those directories
    is not ours to do, so the server is lent the one capability to walk through them, and loses
    all others for good.
    """
    closed = [path for path in paths if not can_reach(account, path)]
    if not closed:
        return ()
    capability = _lendable_capability()
    setpriv = shutil.which("setpriv")
    if capability is None or setpriv is None:
        raise Trouble(
            f"PostgreSQL runs as user {account.name}, who cannot reach {closed[0]}.",
            "Open the directories above it (chmod o+x), run Everlog as an ordinary user, or put "
            "the checkout and EVERLOG_HOME somewhere open, such as /srv.",
        )
    return (
        setpriv,
        f"--reuid={account.uid}",
        f"--regid={account.gid}",
        "--clear-groups",
        f"--inh-caps=-all,+{capability}",
        f"--ambient-caps=-all,+{capability}",
        f"--bounding-set=-all,+{capability}",
        # Without it access(2), with which PostgreSQL looks for its own files, ignores capabilities.
        "--securebits=+no_setuid_fixup",
    )


def _lendable_capability() -> str | None:
    status = Path("/proc/self/status").read_text()
    bounding = next(int(line[7:], 16) for line in status.splitlines() if line.startswith("CapBnd"))
    for name, bit in _WALKING_CAPABILITIES:
        if bounding >> bit & 1:
            return name
    return None
