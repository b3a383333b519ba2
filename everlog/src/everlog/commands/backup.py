"""`everlog backup`: everything that cannot be rebuilt in one file, while the platform runs."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import psycopg2
import typer

from chassis.backup.archive import SUFFIX, BackupManifest, writing
from chassis.backup.taking import take
from chassis.clock import SystemClock
from chassis.errors import EverlogError
from chassis.vault import Keyring
from embedded.errors import Trouble
from everlog.home import Home
from everlog.operating import require_servers
from everlog.output import Json, Report, reporting
from everlog.restoring import check_whole, open_backup
from everlog.services import installed_services
from everlog.status import current_home

_EVENTS = "log.events"


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup, as people are told of it."""

    file: str
    taken_at: str
    events: dict[str, int]
    rows: int
    bytes: int
    seconds: float


def backup(
    to: Annotated[
        Path | None, typer.Argument(help="A folder, or the file. Else: backups/ in EVERLOG_HOME.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option(help="Take none: read this one and compare its checksums.")
    ] = None,
    json: Json = False,
) -> None:
    """Save event stores, keys, sign-ins and what else cannot be rebuilt, as of one moment."""
    with reporting(json) as report:
        begin = time.monotonic()
        if check is not None:
            path, manifest = check, _checked(check, report)
        else:
            home = current_home(os.environ)
            path = _place(home, to)
            manifest = _take(home, path, report)
        taken = _told(path, manifest, round(time.monotonic() - begin, 2))
        what = "is whole" if check else "is written"
        text = f"{path} {what}: {sum(taken.events.values())} events, {taken.bytes >> 10} KB"
        hint = "Keep secrets/master.key with it, but elsewhere: nothing in it can be read without."
        report.show(asdict(taken), f"{text}, in {taken.seconds} s", hint)


def _place(home: Home, to: Path | None) -> Path:
    folder = home.path / "backups" if to is None else to
    if to is not None and not to.is_dir() and to.suffix:
        path = to.absolute()
    else:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder.absolute() / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}{SUFFIX}"
    if path.exists():
        raise Trouble(f"{path} is there already.", "Name another file, or a folder.")
    return path


def _take(home: Home, path: Path, report: Report) -> BackupManifest:
    require_servers(home)
    services, now = installed_services(), SystemClock().now()
    key = Keyring.from_file(home.secrets / "master.key").fingerprint()
    try:
        with writing(path) as file, report.progress("Backing up") as told:
            take(services, home.postgres_admin, file, told)
            return file.finish(now, key, tuple(services))
    except EverlogError as error:
        raise Trouble("No backup was taken.", str(error)) from error
    except (psycopg2.Error, OSError) as error:
        raise Trouble(
            "No backup was taken.", "Is everything up? make status", str(error)
        ) from error


def _checked(path: Path, report: Report) -> BackupManifest:
    with open_backup(path) as found, report.progress(f"Reading {path.name}") as told:
        check_whole(found, lambda done, total: told("bytes", done, total))
        return found.manifest


def _told(path: Path, manifest: BackupManifest, seconds: float) -> Taken:
    events = {each.service: each.rows for each in manifest.contents if each.table == _EVENTS}
    rows = sum(each.rows for each in manifest.contents)
    size = path.stat().st_size
    return Taken(str(path), manifest.taken_at.isoformat(), events, rows, size, seconds)
