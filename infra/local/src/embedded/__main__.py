"""`python -m embedded`: fetch the servers, or say what this machine lacks."""

from __future__ import annotations

import argparse
import sys

from embedded.download import fetch
from embedded.errors import Trouble
from embedded.kafka import make_archive
from embedded.toolchain import advice, examine


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def doctor() -> int:
    """Report every tool; status 1 if one is missing."""
    findings = examine()
    for finding in findings:
        _say(finding.problem or f"{finding.tool.name} {finding.version} ({finding.path})")
    missing = advice(findings)
    if missing:
        _say(missing)
    return 1 if missing else 0


def fetch_all() -> int:
    """Fetch the servers and make them start fast."""
    servers = fetch(_say)
    make_archive(servers, _say)
    sys.stdout.write(f"{servers.home}\n")
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="embedded", description=__doc__)
    parser.add_argument("what", choices=("fetch", "doctor"))
    what = parser.parse_args().what
    try:
        return fetch_all() if what == "fetch" else doctor()
    except Trouble as trouble:
        _say("\n".join(filter(None, (trouble.what, trouble.detail, trouble.advice))))
        return 1


if __name__ == "__main__":
    sys.exit(main())
