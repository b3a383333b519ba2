"""What a file looks like, and how it would be read: shown before anything is imported. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chassis.errors import BadInput
from chassis.imports.dates import ORDERS, DateOrder, order_of
from chassis.imports.mapping import recognise, suggest
from chassis.imports.model import ImportKind, Preset
from chassis.imports.sheet import Sheet

_SAMPLES = 3
AUTO, NONE = "auto", "none"


def preset_of(name: str, sheet: Sheet, kind: ImportKind) -> Preset | None:
    """The preset of this name; `auto`: that of the system that wrote the file. Raises BadInput."""
    if name in ("", AUTO):
        return recognise(sheet.headers, kind)
    if name == NONE:
        return None
    preset = kind.preset(name)
    if preset is None:
        known = sorted(each.name for each in kind.presets)
        raise BadInput(f"There is no preset {name}; there are auto, none, {', '.join(known)}.")
    return preset


def options_of(
    given: Mapping[str, Any],
    preset: Preset | None,
    sheet: Sheet,
    columns: Mapping[str, str],
    kind: ImportKind,
) -> dict[str, Any]:
    """What is said of a file, what its preset says, and the order of its dates. Raises BadInput."""
    options = {**(preset.options if preset else {}), **given}
    if any(field.date for field in kind.fields):
        if not options.get("dates"):
            options.pop("dates", None)
            order = dates_of(sheet, columns, kind)
            options |= {"dates": order.order} if order else {}
        elif options["dates"] not in ORDERS:
            raise BadInput("The option dates is dmy (31/12/2026) or mdy (12/31/2026).")
    return options


def dates_of(sheet: Sheet, columns: Mapping[str, str], kind: ImportKind) -> DateOrder | None:
    """In what order the file writes the dates that are mapped."""
    dates = {field.name for field in kind.fields if field.date}
    places = [n for n, header in enumerate(sheet.headers) if columns.get(header) in dates]
    if not places:
        return None
    return order_of(cells[n] for _, cells in sheet.rows() for n in places if n < len(cells))


def preview(
    sheet: Sheet, kind: ImportKind, preset: Preset | None, kinds: Iterable[ImportKind] = ()
) -> dict[str, Any]:
    """All that is shown of a file. `kinds`: what else its rows might be."""
    samples: list[list[str]] = [[] for _ in sheet.headers]
    rows = 0
    for number, cells in sheet.rows():
        rows = number
        for index, cell in enumerate(cells[: len(samples)]):
            if cell.strip() and len(samples[index]) < _SAMPLES:
                samples[index].append(cell.strip())
    mapping = suggest(sheet.headers, kind, preset)
    order = dates_of(sheet, mapping, kind)
    return {
        "type": kind.name,
        "format": sheet.format,
        "encoding": sheet.encoding,
        "delimiter": sheet.delimiter,
        "rows": rows,
        "preset": preset.name if preset else None,
        "presets": [{"name": each.name, "label": each.label} for each in kind.presets],
        "looks_like": _another(sheet.headers, kind, preset, kinds),
        "dates": {"order": order.order, "sure": order.sure} if order else None,
        "left_out": list(sheet.left_out),
        "columns": [
            {"name": header, "samples": found}
            for header, found in zip(sheet.headers, samples, strict=True)
        ],
        "unmapped": [header for header in sheet.headers if header and header not in mapping],
        "mapping": mapping,
        "fields": [{"name": f.name, "label": f.label, "required": f.required} for f in kind.fields],
        "own_fields": kind.own,
    }


def _another(
    headers: Sequence[str], kind: ImportKind, preset: Preset | None, kinds: Iterable[ImportKind]
) -> dict[str, str] | None:
    """Which other kind of import knows the file better."""
    if preset is not None:
        return None
    for other in kinds:
        if other is not kind and (found := recognise(headers, other)) is not None:
            return {"type": other.name, "label": found.label}
    return None
