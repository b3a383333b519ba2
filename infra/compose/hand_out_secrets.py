"""Makes the keys and passwords of an installation once, and hands each process only its own.

Every process mounts one of the folders under /handed-out, read-only; the whole of them lies in
EVERLOG_HOME, which only the operator's command sees.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded.errors import Trouble
from everlog.home import Home

_OWNER_ONLY = 0o400
_EVERYBODY = 0o444
"""For PostgreSQL, whose account has another number; nobody else mounts that folder."""


def folders_of(home: Home) -> Mapping[str, Mapping[str, str]]:
    """Folder → file → content."""
    secrets = {
        name: (home.secrets / name).read_text()
        for name in ("master.key", "verify.pem", "signing.key", "postgres.password")
    }
    credentials = home.credentials()
    services = {name: secrets[name] for name in ("master.key", "verify.pem")}
    administrator = (
        f"export EVERLOG_ADMIN_EMAIL={shlex.quote(credentials.email)}\n"
        f"export EVERLOG_ADMIN_PASSWORD={shlex.quote(credentials.password)}\n"
    )
    return {
        "services": services,
        "identity": {
            **services,
            "signing.key": secrets["signing.key"],
            "administrator.env": administrator,
        },
        "gateway": {"verify.pem": secrets["verify.pem"]},
        "postgres": {"password": secrets["postgres.password"].strip()},
    }


def hand_out(home: Home, target: Path) -> None:
    """Write the folders anew; what has not changed is left alone."""
    for folder, files in folders_of(home).items():
        mode = _EVERYBODY if folder == "postgres" else _OWNER_ONLY
        for name, content in files.items():
            _write(target / folder / name, content, mode)
    password = (home.secrets / "postgres.password").read_text().strip()
    _write(home.secrets / "pgpass", f"*:*:*:postgres:{password}\n", 0o600)


def _write(path: Path, content: str, mode: int) -> None:
    if path.exists() and path.read_text() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "w") as file:
        file.write(content)
    fresh.chmod(mode)  # whatever the umask said
    fresh.rename(path)


def main() -> int:
    """Make and hand out. Passwords are not told: logs are kept, and read by many."""
    home = Home.of(os.environ)
    try:
        ensured = home.ensure()
    except Trouble as trouble:
        sys.stderr.write(f"{trouble.what}\n{trouble.advice}\n")
        return 1
    sys.stdout.writelines(f"{remark}\n" for remark in ensured.remarks)
    hand_out(home, Path(os.environ.get("EVERLOG_HANDED_OUT", "/handed-out")))
    sys.stdout.write(f"How to sign in is kept in {home.credentials_file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
