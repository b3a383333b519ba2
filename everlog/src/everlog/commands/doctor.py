"""`everlog doctor`: what this machine has, and what to install."""

from __future__ import annotations

from dataclasses import asdict

import typer

from embedded.toolchain import advice, examine
from everlog.output import Json, reporting


def doctor(json: Json = False) -> None:
    """Check git, Java, Maven, npm and Python; say what to install where one is missing."""
    findings = examine()
    missing = advice(findings)
    with reporting(json) as report:
        value = {"tools": [asdict(each) for each in findings], "advice": missing}
        lines = [
            f"[red]{each.problem}[/]"
            if each.problem
            else f"[green]{each.tool.name:7}[/] {each.version:8} {each.path}"
            for each in findings
        ]
        report.show(value, *lines, *([missing] if missing else []))
    if missing:
        raise typer.Exit(1)
