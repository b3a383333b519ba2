"""An analyst's projection: a file that defines one, or a read model of a service by its name.

A file defines either a Projection, or a function `project(recorded)` and tables. The events it
reads are those in EVENTS; else the event classes it defines itself; else all that services publish.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Table

from chassis.codec import Codec
from chassis.events import Event, Recorded, Upcaster, wire_name
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.projection import Change, Projection
from embedded.errors import Trouble

_HOW = "A file defines `project(recorded)` and tables, or one Projection: see docs/examples/replay."


@dataclass(frozen=True, slots=True)
class Replayed:
    """A projection to be folded. `path`: the file it comes from, None for a service's own."""

    name: str
    path: Path | None
    tables: tuple[Table, ...]
    project: Callable[[Recorded[Any]], Iterable[Change] | None]
    codec: Codec

    @property
    def named(self) -> str:
        """Where it comes from, for the register."""
        return self.name if self.path is None else str(self.path.absolute())

    def types(self) -> frozenset[str]:
        """The wire names it reads, old versions included."""
        return self.codec.types()


def load(name: str, manifests: Mapping[str, Manifest]) -> Replayed:
    """The projection in a file, or SERVICE/READ_MODEL. Raises Trouble if there is none."""
    path = Path(name)
    if path.exists():
        return _of_module(path, _module(path), manifests)
    service, _, read_model = name.partition("/")
    if service in manifests and read_model:
        try:
            projection = manifests[service].projection(read_model)
        except KeyError:
            known = ", ".join(each.name for each in manifests[service].projections)
            raise Trouble(
                f"{service} has no read model {read_model}.", f"It has: {known}."
            ) from None
        return _of_projection(name, None, projection, manifests)
    raise Trouble(f"There is no file {name}.", f"{_HOW} A read model is named SERVICE/READ_MODEL.")


def _module(path: Path) -> ModuleType:
    """The file, loaded anew: what it remembers between events belongs to one replay."""
    name = f"everlog_replay_{new_id().hex}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Trouble(f"{path} is no Python file.", _HOW)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and msgspec look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        at = f"{path}:{line_of(error, path) or '?'}"
        raise Trouble(
            f"{at} cannot be loaded.", _HOW, f"{type(error).__name__}: {error}"
        ) from error
    return module


def line_of(error: BaseException, path: Path) -> int | None:
    """The last line of the file on the way to an error."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    found, place = None, error.__traceback__
    while place is not None:
        if place.tb_frame.f_code.co_filename == str(path):
            found = place.tb_lineno
        place = place.tb_next
    return found


def _of_module(path: Path, module: ModuleType, manifests: Mapping[str, Manifest]) -> Replayed:
    defined = vars(module)
    projections = [value for value in defined.values() if isinstance(value, Projection)]
    if len(projections) == 1:
        return _of_projection(path.stem, path, projections[0], manifests)
    if projections:
        raise Trouble(f"{path} defines {len(projections)} projections.", "Define one a file.")
    project = defined.get("project")
    tables = defined.get("TABLES") or [v for v in defined.values() if isinstance(v, Table)]
    if not callable(project) or not tables:
        missing = "tables" if callable(project) else "function project(recorded)"
        raise Trouble(f"{path} defines no {missing}.", _HOW)
    events = defined.get("EVENTS") or _own(defined, module) or _published(manifests)
    codec = Codec(events, _upcasters(events, manifests))
    return Replayed(path.stem, path, tuple(tables), project, codec)


def _of_projection(
    name: str, path: Path | None, projection: Projection, manifests: Mapping[str, Manifest]
) -> Replayed:
    codec = Codec(projection.events, _upcasters(projection.events, manifests))
    return Replayed(name, path, projection.tables, projection.project, codec)


def _own(defined: Mapping[str, Any], module: ModuleType) -> list[type[Event]]:
    return [
        value
        for value in defined.values()
        if isinstance(value, type)
        and issubclass(value, Event)
        and value.__module__ == module.__name__
        and isinstance(value.__struct_config__.tag, str)
        and "." in value.__struct_config__.tag
    ]


def _published(manifests: Mapping[str, Manifest]) -> list[type[Event]]:
    return [event for manifest in manifests.values() for event in manifest.published()]


def _upcasters(events: Sequence[type[Event]], manifests: Mapping[str, Manifest]) -> list[Upcaster]:
    """Those that lead to one of these events."""
    known = {wire_name(event) for event in events}
    every = {u.old: u for manifest in manifests.values() for u in manifest.upcasters}
    found: list[Upcaster] = []
    while more := [u for u in every.values() if u.new in known and u.old not in known]:
        known |= {u.old for u in more}
        found += more
    return found
