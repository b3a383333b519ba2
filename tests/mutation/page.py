"""The table of docs/proofs.md, made from the mutants: `python -m tests.mutation.page` prints it."""

from __future__ import annotations

from tests.mutation.manifest import MUTANTS
from tests.mutation.mutant import Mutant


def table() -> str:
    """Guarantee → guard → where it is → the tests that turn red without it."""
    lines = ["| guarantees | guard | it is in | without it turns red |", "|---|---|---|---|"]
    lines += [_row(mutant) for mutant in sorted(MUTANTS, key=_order)]
    return "\n".join(lines)


def _order(mutant: Mutant) -> tuple[int, str]:
    return int(mutant.guarantees[0][1:]), mutant.file


def _row(mutant: Mutant) -> str:
    tests = ", ".join(f"`{name.rpartition('::')[2]}`" for name in mutant.tests)
    held = " ".join(mutant.guarantees)
    return f"| {held} | {mutant.guard} | `{mutant.file}` | {tests} |"


if __name__ == "__main__":
    print(table())
