"""`everlog certificate`: check that a certificate says what this installation signed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from chassis.certificate import check, key_of, public_key
from chassis.errors import Tampered
from chassis.vault import Keyring
from embedded.errors import Trouble
from everlog.output import Json, reporting
from everlog.status import current_home

app = typer.Typer(
    help="Check certificates that somebody was erased, without any server.", no_args_is_help=True
)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The certificate, as it was downloaded.")],
    key: Annotated[
        Path | None,
        typer.Option(help="Whose key to trust (PEM). Else: that of this EVERLOG_HOME."),
    ] = None,
    json: Json = False,
) -> None:
    """Check a certificate's signature. No server is asked; nothing but the key is needed."""
    with reporting(json) as report:
        trusted = key_of(_keyring()) if key is None else _read_key(key)
        try:
            stated = check(_document(file), trusted)
        except Tampered as error:
            raise Trouble(f"{file} is NOT valid.", "", str(error)) from error
        value = {"valid": True, "signed_with": trusted.thumbprint(), "certificate": stated}
        report.show(value, f"[green]{file.name} is valid[/]", *_lines(stated))


@app.command("key")
def show_key() -> None:
    """Print the public key of this installation's certificates, for whoever is to check them."""
    with reporting(False) as report:
        report.show(None, key_of(_keyring()).as_pem(private=False).decode().strip())


def _keyring() -> Keyring:
    master = current_home(os.environ).secrets / "master.key"
    if not master.exists():
        raise Trouble(
            "Whose signature is to be trusted?",
            "Name the key with --key: whoever runs that Everlog prints it with "
            "`everlog certificate key`.",
            f"{master} is not there.",
        )
    return Keyring.from_file(master)


def _read_key(path: Path) -> Any:
    try:
        return public_key(path.read_bytes())
    except (OSError, Tampered) as error:
        raise Trouble(f"{path} cannot be used as a key.", "", str(error)) from error


def _document(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise Trouble(f"{path} cannot be read.", "", str(error)) from error


def _lines(stated: dict[str, Any]) -> list[str]:
    lines = [f"{stated.get('kind', 'statement')}, checked at {stated.get('checked_at')}"]
    for record in stated.get("records", ()):
        erasure = record["erasure"]
        lines.append(
            f"  {record['stream']}: erased at {erasure['recorded_at']} by {erasure['actor']}, "
            f"{record['unreadable_events']} of {record['events']} events unreadable for ever"
        )
    return lines
