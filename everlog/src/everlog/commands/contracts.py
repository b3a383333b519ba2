"""`everlog contracts`: writes what the services promise each other, for people to review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from everlog.home import CHECKOUT
from everlog.output import Json, reporting

Folder = Annotated[Path, typer.Argument(help="The contracts' folder.")]


def contracts(folder: Folder = CHECKOUT / "contracts", json: Json = False) -> None:
    """Write contracts/<service>/<event>.vN.json and contracts/topics.yaml anew."""
    # Here, not above: it loads every service, which no other command needs.
    from chassis.testing.contract_files import write
    from everlog.manifests import all_manifests
    from everlog.topics import topics_yaml

    with reporting(json) as report:
        manifests = all_manifests()
        folder.mkdir(parents=True, exist_ok=True)
        changed = [path for manifest in manifests for path in write(manifest, folder)]
        path, text = folder / "topics.yaml", topics_yaml(manifests)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path)
        names = [str(path) for path in changed]
        report.show({"changed": names}, *(names or ["The contracts are up to date."]))
