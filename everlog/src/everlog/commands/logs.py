"""`everlog logs`: the last lines of every process, or of some, and what is added to them; or what
all of them said within one trace."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from embedded.errors import Trouble
from embedded.launch import tail
from everlog.home import Home
from everlog.logs import Follower, of_trace, trace_in
from everlog.output import Json, Report, reporting
from everlog.status import current_home

_POLL_S = 0.3
_TOLD_APART = ("timestamp", "process", "event", "service.name", "trace_id", "span_id", "level")

Names = Annotated[list[str] | None, typer.Argument(help="Processes; all if none is named.")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines of each.")]
Trace = Annotated[
    str | None,
    typer.Option(help="What all processes said in this trace: a trace id, or a traceparent."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are added.")]


def logs(
    names: Names = None,
    lines: Lines = 20,
    follow: Follow = False,
    trace: Trace = None,
    json: Json = False,
) -> None:
    """Show the ends of the logs, or all of one trace."""
    with reporting(json) as report:
        files = _files(current_home(os.environ), names or [])
        if trace is not None:
            _show_trace(files, trace, report)
            return
        followers = {name: Follower(path) for name, path in files.items()} if follow else {}
        recent = {name: tail(path, lines).splitlines() for name, path in files.items()}
        report.show(recent, *_as_text(recent))
        while followers:
            _show_new_lines(followers, report)
            time.sleep(_POLL_S)


def _files(home: Home, names: list[str]) -> dict[str, Path]:
    known = {path.stem: path for path in sorted((home.path / "logs").glob("*.log"))}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Trouble(
            f"There is no log of {', '.join(unknown)} in {home.path / 'logs'}.",
            f"There are: {', '.join(known) or 'none yet; start Everlog with make up'}",
        )
    return {name: known[name] for name in names or known}


def _show_trace(files: dict[str, Path], given: str, report: Report) -> None:
    trace = trace_in(given)
    if trace is None:
        raise Trouble(
            f"{given!r} is no trace id.",
            "It has 32 hexadecimal digits: see the header traceresponse of an answer, the trace_id "
            "of a problem or of a line of the logs.",
        )
    told = of_trace(files, trace)
    if not told:
        raise Trouble(
            f"No log has a line of the trace {trace}.",
            "Requests and events that went well are told with LOG_LEVEL=DEBUG alone; logs are kept "
            "for 10 to 20 MB.",
        )
    report.show(told, *(_as_line(line) for line in told))


def _as_line(line: dict[str, Any]) -> str:
    """When, who, what; the rest as it is."""
    rest = {name: value for name, value in line.items() if name not in _TOLD_APART}
    exception = str(rest.pop("exception", ""))
    more = " ".join(f"{name}={value}" for name, value in rest.items())
    who = f"{line['timestamp'][11:23]} {line['level']:7} [cyan]{line['process']:16}[/]"
    told = f"{who} [bold]{escape(line['event'])}[/]"
    return "\n".join(filter(None, (f"{told} {escape(more)}".rstrip(), escape(exception))))


def _as_text(recent: dict[str, list[str]]) -> list[str]:
    return [
        f"[cyan]{name:16}[/] {escape(line)}" for name, lines in recent.items() for line in lines
    ]


def _show_new_lines(followers: dict[str, Follower], report: Report) -> None:
    for name, follower in followers.items():
        for line in follower.new_lines():
            report.show({"process": name, "line": line}, *_as_text({name: [line]}))
