"""DuckDB over the log: the view `events`, and one with typed columns for each event type.

Whoever asks can look at these and at nothing else: no other file, no network, no extension, no
setting that would change that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from chassis.events import Event, wire_name
from embedded.errors import Trouble
from everlog.history.envelope import SCHEMA
from everlog.history.typed import ENVELOPE, select_of, view_name

_CLOSED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}
_MEMORY = "1GB"  # what does not fit is sorted and joined on disk


@contextmanager
def over(
    files: Mapping[str, Sequence[Path]],
    events: Sequence[type[Event]],
    *,
    clear: bool,
    spill: Path,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the events in these files. `events`: the types that get a view."""
    paths = [str(path) for of_service in files.values() for path in of_service]
    with duckdb.connect(":memory:", config=dict(_CLOSED)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set memory_limit = '{_MEMORY}'")
        connection.execute("set python_enable_replacements = false")
        connection.execute(f"set temp_directory = {_text(str(spill))}")
        _make_views(connection, paths, events, clear=clear)
        connection.execute(f"set allowed_paths = [{', '.join(map(_text, paths))}]")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection


def _make_views(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[str],
    events: Sequence[type[Event]],
    *,
    clear: bool,
) -> None:
    if paths:
        source = f"select * from read_parquet([{', '.join(map(_text, paths))}])"  # noqa: S608
        connection.execute(f"create view events as {source}")
    else:
        connection.from_arrow(SCHEMA.empty_table()).create("events")
    for event in events:
        select = select_of(event, "events", clear=clear, envelope=ENVELOPE)
        connection.execute(f'create view "{view_name(wire_name(event))}" as {select}')


def _text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """The answer to the last of the statements, as a pyarrow.RecordBatchReader."""
    try:
        answer = connection.sql(sql)
        if answer is None:
            raise Trouble("The last statement answers nothing.", "End with a SELECT.")
        return answer.to_arrow_reader(10_000)
    except duckdb.Error as error:
        raise Trouble(
            "The query cannot be answered.",
            "`show tables` has the views, `describe NAME` their columns.",
            str(error),
        ) from error
