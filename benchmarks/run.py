"""`make bench`: measures, prints a table, keeps the numbers as JSON. It never fails for a number.

make bench                             everything, some twenty minutes on 2 cores
make bench ARGS="--only rebuild"       some of it; --scale 0.1 with a tenth of the data
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.report import Result, table  # noqa: E402
from benchmarks.rig import machine, say  # noqa: E402

Measure = Callable[[float], list[Result]]

FIGURES = ("appending", "rebuilding", "facts", "segments", "serving", "memory")


def main() -> None:
    """Parse, measure, tell."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", action="append", choices=FIGURES, help="a group of figures")
    parser.add_argument("--scale", type=float, default=1.0, help="how much data; 1: all of it")
    parser.add_argument("--json", type=Path, default=ROOT / ".tools" / "bench.json")
    arguments = parser.parse_args()
    results: list[Result] = []
    on = machine()
    for name in arguments.only or FIGURES:
        say(f"── {name}")
        measure: Measure = import_module(f"benchmarks.figures.{name}").measure
        results += measure(arguments.scale)
        say(table(results))
        _keep(arguments.json, on, arguments.scale, results)
    print(table(results))
    print(f"\nkept in {arguments.json}")


def _keep(path: Path, on: dict[str, object], scale: float, results: list[Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"machine": on, "scale": scale, "results": [each.as_json() for each in results]}
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
