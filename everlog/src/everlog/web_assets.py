"""The web UI's assets: installed from npm, once per content of the lock file."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from embedded.errors import Trouble
from embedded.toolchain import NPM, locate, require
from everlog.home import CHECKOUT

_INSTALL_S_MAX = 600


def install(say: Callable[[str], None], gateway: Path = CHECKOUT / "gateway") -> bool:
    """Install them unless they are there; whether there was something to do."""
    if not (gateway / "package.json").exists() or _stamp(gateway).exists():
        return False
    require([NPM])
    say("Installing the web assets with npm (once)")
    locked = (gateway / "package-lock.json").exists()
    command = [locate(NPM) or "npm", "ci" if locked else "install"]
    command += ["--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command,
            cwd=gateway,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Trouble(
            f"npm did not finish within {_INSTALL_S_MAX} s.", "Check the network and try again."
        ) from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip().splitlines()
        raise Trouble(
            "npm could not install the web assets.",
            "Check the network (a proxy or mirror belongs in ~/.npmrc) and try again.",
            "\n".join(output[-15:]),
        )
    stamp = _stamp(gateway)  # only now: npm may have written the lock file
    stamp.parent.mkdir(exist_ok=True)
    stamp.touch()
    return True


def _stamp(gateway: Path) -> Path:
    scripts = sorted(gateway.glob("*.mjs"))  # what npm runs after the installation
    files = (gateway / "package.json", gateway / "package-lock.json", *scripts)
    content = b"".join(file.read_bytes() for file in files if file.exists())
    return gateway / "node_modules" / f".everlog-{hashlib.sha256(content).hexdigest()[:12]}"
