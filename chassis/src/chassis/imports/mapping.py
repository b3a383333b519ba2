"""Which column is which field: guessed from names and synonyms, or given. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from chassis.errors import BadInput
from chassis.imports.model import ImportField

_SEPARATORS = re.compile(r"[^a-z0-9]+")


def folded(header: str) -> str:
    """A header without case, blanks and signs: `E-mail Address` → `emailaddress`."""
    return _SEPARATORS.sub("", header.casefold())


def guess(headers: Sequence[str], fields: Sequence[ImportField]) -> dict[str, str]:
    """Column → field, by name, label and synonyms; each field once, earlier synonyms first."""
    columns = {folded(header): header for header in reversed(headers) if header}
    mapping: dict[str, str] = {}
    for field in fields:
        for name in (field.name, field.label, *field.synonyms):
            header = columns.get(folded(name))
            if header is not None and header not in mapping:
                mapping[header] = field.name
                break
    return mapping


def check(
    mapping: Mapping[str, str], headers: Sequence[str], fields: Sequence[ImportField]
) -> dict[str, str]:
    """A given mapping, checked. Raises BadInput naming what does not exist or is missing."""
    known = {field.name for field in fields}
    strange = sorted(set(mapping.values()) - known - {""})
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
    return kept
