"""`make mutation`: takes every guard out, one after the other, and tells which tests noticed.

make mutation                          all of them, some ten minutes on 2 cores
make mutation ARGS="--only epoch"      those whose guard's name has this in it
make mutation ARGS="--in-memory"       those that need no servers
"""

from __future__ import annotations

import argparse
import sys

from tests.mutation.manifest import MUTANTS
from tests.mutation.mutant import Mutant
from tests.mutation.workshop import Verdict, workshop


def main() -> int:
    """Judge, tell; 1 if a guard is not guarded."""
    parser = argparse.ArgumentParser(prog="make mutation")
    parser.add_argument("--only", default="", help="part of a guard's name")
    parser.add_argument("--in-memory", action="store_true", help="those that need no servers")
    arguments = parser.parse_args()
    chosen = [m for m in MUTANTS if arguments.only in m.guard]
    chosen = [m for m in chosen if m.in_memory or not arguments.in_memory]
    with workshop(servers=not all(m.in_memory for m in chosen)) as shop:
        tests = sorted({name for mutant in chosen for name in mutant.tests})
        sound = shop.tests(tests)
        shop.sweep()
        if missing := set(tests) - sound.passed:
            print(sound.told)
            print("These fail, or are not there, with every guard in its place:", *missing)
            return 1
        verdicts = []
        for mutant in chosen:
            verdicts.append(shop.judge(mutant))
            _tell(verdicts[-1])
    loose = [verdict for verdict in verdicts if verdict.word != "caught"]
    print(f"\n{len(verdicts) - len(loose)} of {len(verdicts)} mutants caught")
    return 1 if loose else 0


def _tell(verdict: Verdict) -> None:
    mutant: Mutant = verdict.mutant
    guarantees = " ".join(mutant.guarantees)
    print(f"{verdict.word:9}{verdict.seconds:6.1f} s  {guarantees:10} {mutant.guard}", flush=True)
    if verdict.word != "caught":
        print("\n".join(f"    {line}" for line in verdict.told.splitlines()[-25:]))


if __name__ == "__main__":
    sys.exit(main())
