"""Runs a replay: brings the cache up to date, opens it, and asks or folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import duckdb

from chassis.events import Event, service_of
from chassis.manifest import Manifest
from embedded.errors import Trouble
from everlog.history.origins import explained
from everlog.history.register import Entry, registered
from everlog.history.selection import Selection
from everlog.home import Home
from everlog.output import Report
from everlog.replay import duck
from everlog.replay.answers import Rows, of_reader
from everlog.replay.cache import clear_files, kept_files
from everlog.replay.comparing import compare
from everlog.replay.folding import Folded, Folding, count
from everlog.replay.loading import Replayed


@dataclass(frozen=True, slots=True)
class Replay:
    """What every replay works with."""

    home: Home
    manifests: Mapping[str, Manifest]
    selection: Selection
    clear: bool
    report: Report
    output: Path | None = None

    def query(self, sql: str) -> list[Rows]:
        """The answer to SQL over the log. All of it: an answer outlives no connection."""
        with self._registered("replay --sql", sql), explained(), self._log() as connection:
            answer = of_reader("answer", duck.ask(connection, sql))
            return [Rows(answer.name, answer.columns, list(answer.rows))]

    def fold(self, replayed: Replayed) -> list[Rows]:
        """The rows that a projection comes to."""
        with self._registered("replay --projection", replayed.named) as entry, explained():
            return self._folded([replayed], entry)[0].rows()

    def compare(self, first: Replayed, second: Replayed) -> tuple[Rows, dict[str, int]]:
        """How the rows of two projections differ."""
        names = f"{first.named} against {second.named}"
        with self._registered("replay --projection", names) as entry, explained():
            here, there = self._folded([first, second], entry)
            return compare(here, there)

    def _folded(self, several: Sequence[Replayed], entry: Entry) -> list[Folded]:
        folding = Folding(several, clear=self.clear)
        services = {service_of(type_) for type_ in folding.types}
        with self._log(services) as connection:
            total = count(connection, self.selection, folding.types)
            entry.found = {"events": total}
            names = " and ".join(replayed.name for replayed in several)
            try:
                with self.report.counting(f"Folding {names}", total) as more:
                    return folding.over(connection, self.selection, more)
            except duckdb.Error as error:
                raise Trouble("The replay broke off.", "Is the disk full?", str(error)) from error

    def _registered(self, what: str, query: str) -> AbstractContextManager[Entry]:
        note = {"clear": self.clear, "selection": self.selection.told(), "query": query}
        if self.output is not None:
            note["path"] = str(self.output.absolute())
        return registered(self.home, what, **note)

    @contextmanager
    def _log(self, only: set[str] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """The log in DuckDB; `only`: services that are needed."""
        services = [s for s in self.selection.services if only is None or s in only]
        events: list[type[Event]] = [e for s in services for e in self.manifests[s].published()]
        found = (
            clear_files(self.home, services, self.manifests, self.report)
            if self.clear
            else nullcontext(kept_files(self.home, services, self.report))
        )
        with found as files, self._over(files, events) as connection:
            yield connection

    def _over(
        self, files: Mapping[str, list[Path]], events: Sequence[type[Event]]
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        folders = {path.parent for paths in files.values() for path in paths}
        spill = min(folders, default=self.home.path / "replay") / "spilled"
        return duck.over(files, events, clear=self.clear, spill=spill)
