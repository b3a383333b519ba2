"""Which column is which field: guessed from names and synonyms, or given. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from chassis.errors import BadInput
from chassis.imports.model import ImportField, ImportKind, Preset

OWN = "custom."
"""Begins the name of a field of a workspace's own."""

_SEPARATORS = re.compile(r"[^a-z0-9]+")


def folded(header: str) -> str:
    """A header without case, blanks and signs: `E-mail Address` → `emailaddress`."""
    return _SEPARATORS.sub("", header.casefold())


def guess(headers: Sequence[str], fields: Sequence[ImportField]) -> dict[str, str]:
    """Column → field, by name, label and synonyms; a field that holds one value once, earlier
    synonyms first."""
    columns = {folded(header): header for header in reversed(headers) if header}
    mapping: dict[str, str] = {}
    for field in fields:
        for name in (field.name, field.label, *field.synonyms):
            header = columns.get(folded(name))
            if header is not None and header not in mapping:
                mapping[header] = field.name
                if not field.many:
                    break
    return mapping


def recognise(headers: Sequence[str], kind: ImportKind) -> Preset | None:
    """The preset of the system that wrote a file with these columns: of several, the one that knows
    most of them."""
    there = {folded(header) for header in headers}
    fitting = [p for p in kind.presets if {folded(sign) for sign in p.signs} <= there]
    return max(fitting, key=lambda preset: len(preset.signs), default=None)


def suggest(headers: Sequence[str], kind: ImportKind, preset: Preset | None) -> dict[str, str]:
    """Column → field: what the preset says, and for columns it does not know a guess."""
    if preset is None:
        return guess(headers, kind.fields)
    known = {folded(column): field for column, field in preset.columns.items()}
    mapping = {h: field for h in headers if (field := known.get(folded(h)))}
    taken = set(mapping.values())
    others = [header for header in headers if folded(header) not in known]
    guessed = guess(others, [each for each in kind.fields if each.name not in taken])
    return {**mapping, **guessed}


def check(
    mapping: Mapping[str, str],
    headers: Sequence[str],
    fields: Sequence[ImportField],
    own: bool = False,
) -> dict[str, str]:
    """A given mapping, checked. Raises BadInput naming what does not exist, is missing, or would
    take two columns though it holds one value."""
    known = {field.name for field in fields}
    named = {name for name in mapping.values() if name and not (own and is_own(name))}
    strange = sorted(named - known)
    if strange:
        raise BadInput(f"There is no field {', '.join(strange)}; there are {sorted(known)}.")
    absent = sorted(set(mapping) - set(headers))
    if absent:
        raise BadInput(f"The file has no column {', '.join(absent)}; it has {list(headers)}.")
    kept = {column: field for column, field in mapping.items() if field}
    missing = [f.label for f in fields if f.required and f.name not in kept.values()]
    if missing:
        raise BadInput(
            f"No column is mapped to {', '.join(missing)}. Map one with `mapping`, e.g. "
            f'{{"<column>": "{next(f.name for f in fields if f.required)}"}}.',
            headers=list(headers),
        )
    single = Counter(kept.values()) - Counter({f.name: len(kept) for f in fields if f.many})
    if twice := [name for name, count in single.items() if count > 1]:
        columns = [column for column, field in kept.items() if field == twice[0]]
        raise BadInput(
            f"The columns {', '.join(columns)} all become {twice[0]}, which holds one value. Map "
            "one of them, and the others to another field or to none."
        )
    return kept


def is_own(name: str) -> bool:
    """Whether a field is of the workspace's own."""
    return name.startswith(OWN) and len(name) > len(OWN)
