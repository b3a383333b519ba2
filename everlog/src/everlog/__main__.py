"""`everlog`: the operator's command."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

# Run by the supervisor: they do without the command line and its memory.
PROCESSES = {
    "supervise": "everlog.supervisor",
    "mailbox": "everlog.mailbox",
    "sample": "everlog.sampling",
}


def command_line() -> typer.Typer:
    """All commands, in the order in which `everlog --help` shows them."""
    import typer

    from everlog.commands import (
        backup,
        certificate,
        contracts,
        doctor,
        down,
        exporting,
        importing,
        install,
        lag,
        logs,
        parked,
        rebuild,
        replaying,
        republish,
        restore,
        setup,
        status,
        up,
        verify,
    )

    app = typer.Typer(
        help="Run Everlog: bring it up, watch it, take it down.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.command()(up.up)
    app.command()(down.down)
    app.command()(status.status)
    app.command()(logs.logs)
    app.command()(lag.lag)
    app.command("import")(importing.import_files)
    app.add_typer(exporting.export, name="export")
    app.command()(replaying.replay)
    app.command()(rebuild.rebuild)
    app.command()(republish.republish)
    app.command()(verify.verify)
    app.command()(backup.backup)
    app.command()(restore.restore)
    app.add_typer(parked.app, name="parked")
    app.add_typer(certificate.app, name="certificate")
    app.command()(install.install)
    app.command()(setup.setup)
    app.command()(doctor.doctor)
    app.command()(contracts.contracts)
    return app


def main() -> None:
    """Entry point of `everlog` and of `python -m everlog`."""
    if len(sys.argv) == 2 and (module := PROCESSES.get(sys.argv[1])):
        sys.exit(importlib.import_module(module).main())
    command_line()()


if __name__ == "__main__":
    main()
