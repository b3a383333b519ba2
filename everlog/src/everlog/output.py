"""What a command says: for people on a terminal, or one JSON document with --json."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.status import Status

from embedded.errors import Trouble

Told = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much there is in all."""

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


class Report:
    """Progress goes to stderr, the result to stdout; with --json there is only the result."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._progress = Console(stderr=True, highlight=False, quiet=as_json)
        self._result = Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """One line of progress."""
        self._progress.print(escape(text))

    @contextlib.contextmanager
    def waiting(self, text: str) -> Iterator[Status]:
        """A spinner on a terminal; elsewhere nothing."""
        with self._progress.status(escape(text)) as status:
            yield status

    @contextlib.contextmanager
    def counting(self, text: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A progress bar on a terminal, elsewhere nothing. Tell what is yielded how many more."""
        with self._bars() as bars:
            bar = bars.add_task(escape(text), total=total)
            yield lambda more: bars.advance(bar, more)

    @contextlib.contextmanager
    def progress(self, text: str) -> Iterator[Told]:
        """The same for work that tells how much is done and how much there is."""
        with self._bars() as bars:
            bar = bars.add_task(escape(text), total=None)

            def told(what: str, done: int, total: int) -> None:
                bars.update(bar, description=escape(f"{text}: {what}"), completed=done, total=total)

            yield told

    def _bars(self) -> Progress:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        hidden = not self._progress.is_terminal or self._progress.quiet
        return Progress(*columns, console=self._progress, transient=True, disable=hidden)

    def show(self, value: Any, *renderables: Any) -> None:
        """The result: `value` for machines, the rest for people."""
        if self._as_json:
            sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
        else:
            for each in renderables:
                self._result.print(each)

    def trouble(self, trouble: Trouble) -> None:
        """What went wrong and what to do about it."""
        if self._as_json:
            problem = {"error": trouble.what, "advice": trouble.advice, "detail": trouble.detail}
            sys.stdout.write(json.dumps(problem, indent=2) + "\n")
            return
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]{escape(trouble.what)}[/]")
        if trouble.detail:
            console.print(f"[dim]{escape(trouble.detail)}[/]")
        if trouble.advice:
            console.print(escape(trouble.advice))


@contextlib.contextmanager
def reporting(as_json: bool) -> Iterator[Report]:
    """A command's frame: trouble becomes a message and exit status 1."""
    report = Report(as_json=as_json)
    try:
        yield report
    except Trouble as trouble:
        report.trouble(trouble)
        raise typer.Exit(1) from trouble
