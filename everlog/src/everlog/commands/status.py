"""`everlog status`: what runs, how well, and how much memory it takes."""

from __future__ import annotations

import os
from dataclasses import asdict

import typer
from rich.table import Table

from everlog.home import Home
from everlog.output import Json, reporting
from everlog.status import PlatformStatus, ProcessStatus, current_home, look


def status(json: Json = False) -> None:
    """Show every process; exit status 1 unless all that is needed is ready."""
    with reporting(json) as report:
        home = current_home(os.environ)
        seen = look(home)
        value = {
            "home": str(home.path),
            "url": home.url,
            "running": seen.running,
            "ready": seen.ready,
            "processes": [asdict(each) for each in seen.processes],
        }
        report.show(value, *_as_text(home, seen))
    if not seen.ready:
        raise typer.Exit(1)


def _as_text(home: Home, seen: PlatformStatus) -> list[Table | str]:
    if not seen.running:
        return [f"Everlog does not run in {home.path}. Start it with: make up"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("process", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for title in ("pid", "port", "up", "restarts", "memory"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in seen.processes:
        table.add_row(*_row(each))
    total = sum(each.rss_mb or 0 for each in seen.processes)
    return [table, f"{home.url}  {home.path}  {total:.0f} MB in all"]


def _row(each: ProcessStatus) -> list[str]:
    if each.ready:
        state = "[green]done[/]" if each.state == "done" else "[green]ready[/]"
    elif each.state == "running":
        state = f"[yellow]{'not ready' if each.port else 'at work'}[/]"
    else:
        state = f"[{'red' if each.state == 'restarting' else 'yellow'}]{each.state}[/]"
    return [
        each.name,
        state,
        str(each.pid or ""),
        str(each.port or ""),
        _duration(each.up_s),
        str(each.restarts),
        f"{each.rss_mb:.0f} MB" if each.rss_mb is not None else "",
    ]


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, length_s in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} s"
