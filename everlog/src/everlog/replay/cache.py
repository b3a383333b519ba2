"""The published events of each service as Parquet, kept up to date: what a replay reads.

$EVERLOG_HOME/replay/<service>/ holds parts and a state that says how far they reach in the feed of
each workspace. Published events never change, so only what is new is fetched. The cache begins anew
when the feed's numbering is another one (the log was restored), when its layout has changed, and
when a part is not as it was written. What is sealed is not in it; clear text is never kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from pyarrow import parquet

from chassis.manifest import Manifest
from everlog.history.envelope import Batch, without_sealed
from everlog.history.exporting import opening
from everlog.history.origins import store_of
from everlog.history.store import Store
from everlog.history.writing import ParquetEvents
from everlog.home import Home
from everlog.output import Report

LAYOUT = 1
_PARTS_MOST = 12
_FORMER_KEPT_S = 3600.0
"""How long parts that were merged stay: another replay may be reading them."""


@dataclass(slots=True)
class State:
    """What the parts of one service hold. `numbers`: the last number by workspace."""

    layout: int = LAYOUT
    numbering: str = ""
    numbers: dict[str, int] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    """Names of files, and their sizes in bytes."""
    made: int = 0


def kept_files(home: Home, services: Sequence[str], report: Report) -> dict[str, list[Path]]:
    """The files with everything that has been published so far, by service; sealed fields out."""
    found = {}
    for service in services:
        folder = _folder(home) / service
        folder.mkdir(mode=0o700, exist_ok=True)
        with _locked(folder), store_of(home, service) as store:
            found[service] = _refreshed(folder, store, report)
    return found


@contextlib.contextmanager
def clear_files(
    home: Home, services: Sequence[str], manifests: Mapping[str, Manifest], report: Report
) -> Iterator[dict[str, list[Path]]]:
    """The same with personal fields in clear text, for as long as the block lasts."""
    folder = _folder(home)
    _remove_left_over(folder)
    prefix = f"clear-{os.getpid()}-"
    with tempfile.TemporaryDirectory(dir=folder, prefix=prefix) as temporary:
        found = {}
        for service in services:
            with store_of(home, service) as store:
                opened = opening(home, manifests[service], store, clear=True)
                path = Path(temporary) / f"{service}.parquet"
                _write(path, store, {}, store.heads(), opened, report)
                found[service] = [path]
        yield found


def _folder(home: Home) -> Path:
    folder = home.path / "replay"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _remove_left_over(folder: Path) -> None:
    """Clear text of a replay that was killed."""
    for path in folder.glob("clear-*"):
        if not psutil.pid_exists(int(path.name.split("-")[1])):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One at a time: a second replay waits until the first has fetched what is new."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _refreshed(folder: Path, store: Store, report: Report) -> list[Path]:
    state, heads = _read(folder), store.heads()
    if not _holds(folder, state, store.numbering(), heads):
        for path in folder.glob("*.parquet"):
            path.unlink()
        state = State(numbering=store.numbering())
    if any(head > state.numbers.get(workspace, 0) for workspace, head in heads.items()):
        path = _next_part(folder, state)
        _write(path, store, state.numbers, heads, without_sealed, report)
        state.parts[path.name] = path.stat().st_size
        state.numbers = heads
        _put(folder, state)
    _remove_former(folder, state)
    if len(state.parts) > _PARTS_MOST:
        _merge(folder, state)
    return [folder / name for name in state.parts]


def _holds(folder: Path, state: State, numbering: str, heads: Mapping[str, int]) -> bool:
    """Whether what is kept is the beginning of what is published."""
    return (
        state.layout == LAYOUT
        and state.numbering == numbering
        and all(heads.get(workspace, 0) >= number for workspace, number in state.numbers.items())
        and all(_size(folder / name) == size for name, size in state.parts.items())
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1


def _read(folder: Path) -> State:
    try:
        return State(**json.loads((folder / "state.json").read_text()))
    except (OSError, ValueError, TypeError):
        return State()


def _put(folder: Path, state: State) -> None:
    fresh = folder / "state.json.new"
    fresh.write_text(json.dumps(asdict(state)))
    fresh.replace(folder / "state.json")


def _next_part(folder: Path, state: State) -> Path:
    state.made += 1
    return folder / f"part-{state.made:06}.parquet"


def _write(
    path: Path,
    store: Store,
    after: Mapping[str, int],
    heads: Mapping[str, int],
    opened: Callable[[Batch], Batch],
    report: Report,
) -> None:
    """What was published beyond some numbers, up to these heads, to a file that is whole."""
    beside = path.with_suffix(".new")
    file = ParquetEvents(beside)
    total = sum(heads.values()) - sum(after.values())
    with report.counting(f"Reading {store.service}", total) as more:
        for batch in store.published(after, heads):
            file.write(opened(batch))
            more(len(batch))
    file.close()
    beside.chmod(0o600)
    beside.replace(path)


def _merge(folder: Path, state: State) -> None:
    """One part instead of many small ones."""
    path = _next_part(folder, state)
    file = ParquetEvents(path.with_suffix(".new"))
    for name in state.parts:
        for batch in parquet.ParquetFile(folder / name).iter_batches():
            file.write(batch)
    file.close()
    path.with_suffix(".new").replace(path)
    for name in state.parts:
        os.utime(folder / name)
    state.parts = {path.name: path.stat().st_size}
    _put(folder, state)


def _remove_former(folder: Path, state: State) -> None:
    """Parts that were merged a while ago."""
    for path in folder.glob("*.parquet"):
        if path.name not in state.parts and time.time() - path.stat().st_mtime > _FORMER_KEPT_S:
            path.unlink()
