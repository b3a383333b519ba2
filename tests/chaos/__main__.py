"""`make chaos`: storms of faults over a platform of its own, and a table of what they did.

Then those tests of this folder that take minutes: full disks, a broker that is away, sleepers.

make chaos                                    ten minutes, every fault, in an order by chance
make chaos ARGS="--seconds 60 --seed 7"       another storm
make chaos ARGS="--only 'freeze kafka'"       one kind of weather, and nothing else
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from everlog.home import CHECKOUT, Home
from everlog.testing import EmbeddedPlatform, embedded_platform, visiting_alone
from tests.chaos.faults import BY_NAME, FAULTS, Named
from tests.chaos.replicas import replicas
from tests.chaos.storm import differences, rage

_OVERLAP = 0.3
WITH_REPLICAS = ("contacts", "pipeline", "analytics")


def main() -> int:
    """Rage, reckon; 1 if anything was lost or doubled."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--seconds", type=float, default=600, help="no new storm after so long")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--only", action="append", choices=sorted(BY_NAME), default=[])
    arguments = parser.parse_args()
    faults = [BY_NAME[name] for name in arguments.only] or list(FAULTS)
    with (
        tempfile.TemporaryDirectory(prefix="everlog-chaos-", ignore_cleanup_errors=True) as home,
        embedded_platform(_open(home)) as platform,
    ):
        assert isinstance(platform, EmbeddedPlatform)
        with replicas(Home.of(platform.environ), WITH_REPLICAS):
            wrong = asyncio.run(_storms(platform, faults, arguments.seed, arguments.seconds))
        checked = platform.everlog("verify")
        wrong += [each["service"] for each in checked if not each["verified"]]
    print("\n".join(["", *wrong]) if wrong else "\nNothing was lost, nothing was doubled.")
    return 1 if wrong or (not arguments.only and _long_tests_fail()) else 0


def _long_tests_fail() -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-m", "long", str(Path(__file__).parent)]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode != 0


def _open(home: str) -> Path:
    """PostgreSQL may run under an account of its own, which has to walk through."""
    Path(home).chmod(0o755)
    return Path(home) / "home"


async def _storms(
    platform: EmbeddedPlatform, faults: Sequence[Named], seed: int, seconds: float
) -> list[str]:
    """One storm after the other, every fault once in each; what was wrong after one of them."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        order = random.Random(seed).sample(faults, len(faults))
        async with visiting_alone(platform, name=f"Storm {seed}") as visitor:
            storm = await rage(platform, visitor, order, seed, _OVERLAP)
            print(storm.table(), flush=True)
            wrong = storm.ledger.contradictions + await differences(visitor, storm.ledger)
        if wrong:
            return wrong
        seed += 1
    return []


if __name__ == "__main__":
    sys.exit(main())
