"""The mutants fit the code: what they take out is there once, and the tests they name exist."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutation.manifest import MUTANTS
from tests.mutation.mutant import ROOT, Mutant
from tests.mutation.page import table

PROOFS = ROOT / "docs" / "proofs.md"
GUARANTEES = {f"G{number}" for number in range(1, 13)}
PROVEN_WHOLE = {"G7"}
"""Held up by no single guard: whole servers are taken away instead (docs/proofs.md)."""


def test_what_a_mutant_takes_out_is_there_once() -> None:
    for mutant in MUTANTS:
        source = (ROOT / mutant.file).read_text()
        assert mutant.changed(source) != source, mutant.guard


def test_no_mutant_is_merely_broken_python() -> None:
    """A file that cannot be read would turn every test red and prove nothing."""
    for mutant in MUTANTS:
        if mutant.file.endswith(".py"):
            ast.parse(mutant.changed((ROOT / mutant.file).read_text()))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.guard)
def test_the_tests_of_a_mutant_exist(mutant: Mutant) -> None:
    for name in mutant.tests:
        file, *path = name.split("::")
        assert path[-1] in _functions(ROOT / file), name


def test_every_guard_has_a_name_of_its_own() -> None:
    names = [mutant.guard for mutant in MUTANTS]
    assert len(names) == len(set(names))


def test_the_page_of_proofs_tells_every_guard_as_it_is() -> None:
    """`python -m tests.mutation.page` prints the table anew."""
    assert table() in PROOFS.read_text()


def test_every_guarantee_has_guards() -> None:
    held = {guarantee for mutant in MUTANTS for guarantee in mutant.guarantees}
    assert held == GUARANTEES - PROVEN_WHOLE


def _functions(file: Path) -> set[str]:
    """The tests of a file, and those of the contract suites which its classes inherit."""
    found: set[str] = set()
    for path in (file, ROOT / "chassis/src/chassis/testing/contracts.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
    return found
