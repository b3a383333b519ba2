"""One guard, and how to take it out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHASSIS = "chassis/src/chassis"
TESTS = "chassis/tests"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A guard, the guarantees it holds up (docs/proofs.md), and a change that takes it out.

    `text` occurs exactly once in `file`. Every one of `tests` (a function, or a parametrised one)
    must turn red. `in_memory`: these tests need no server.
    """

    guard: str
    guarantees: tuple[str, ...]
    file: str
    text: str
    replacement: str
    tests: tuple[str, ...]
    in_memory: bool = False

    def apply(self, root: Path) -> None:
        """Change the file in this copy of the checkout."""
        path = root / self.file
        path.write_text(self.changed(path.read_text()))

    def changed(self, source: str) -> str:
        """The source without the guard."""
        if source.count(self.text) != 1:
            raise ValueError(
                f"{self.guard}: the text occurs {source.count(self.text)} times in {self.file}"
            )
        return source.replace(self.text, self.replacement)
