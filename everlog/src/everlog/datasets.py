"""What a folder of files holds, told by their headers, and the order to import it in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis.imports.mapping import folded
from chassis.imports.reading import read
from contacts.imports.vcard import read_cards

# Who is named by others comes first.
ORDER = ("users", "companies", "products", "contacts", "deals", "purchases")

# Headers that only one kind of file has, folded. The first set that a file has all of decides.
SIGNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("deals", frozenset({"opportunityid", "dealstage"})),
    ("deals", frozenset({"dealname", "dealstage"})),
    ("deals", frozenset({"dealname", "stage"})),
    ("users", frozenset({"salesagent", "manager"})),
    ("products", frozenset({"product", "salesprice"})),
    ("companies", frozenset({"account", "sector"})),
    ("companies", frozenset({"companyname", "industry"})),
    ("purchases", frozenset({"invoiceno", "customerid"})),
    ("purchases", frozenset({"ordernumber", "quantity"})),
    ("purchases", frozenset({"lineitemname", "lineitemquantity"})),
    ("companies", frozenset({"accountname", "accounttype"})),
    ("companies", frozenset({"companyname", "companyowner"})),
    ("contacts", frozenset({"firstname", "lastname"})),
    ("contacts", frozenset({"givenname", "familyname"})),
    ("contacts", frozenset({"personid", "personname"})),
    ("contacts", frozenset({"email"})),
)
_FORMS = (".csv", ".xlsx", ".vcf")
_NO_DATA = frozenset({"table", "field", "description"})


@dataclass(frozen=True, slots=True)
class Load:
    """A file and what its rows are. `type` None: it is not known."""

    path: Path
    type: str | None


def type_of(headers: Sequence[str]) -> str | None:
    """What the rows of a file with these headers are."""
    names = {folded(header) for header in headers}
    return next((type_ for type_, sign in SIGNS if sign <= names), None)


def loads_of(paths: Iterable[Path]) -> list[Load]:
    """Every CSV file, workbook and vCard among these files and folders, in the order of import.

    A file that describes the others (Table, Field, Description) is left out.
    """
    files = [
        file
        for path in paths
        for file in (
            sorted(each for each in path.iterdir() if each.suffix.lower() in _FORMS)
            if path.is_dir()
            else [path]
        )
    ]
    loads = []
    for file in files:
        headers = read(file.read_bytes(), (read_cards,)).headers
        if {folded(header) for header in headers} != _NO_DATA:
            loads.append(Load(file, type_of(headers)))
    return sorted(loads, key=lambda load: ORDER.index(load.type) if load.type else len(ORDER))
