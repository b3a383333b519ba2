"""Files come in many forms: each is read as the table that is in it."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

import pytest

from chassis.errors import BadInput
from chassis.imports import SEVERAL, ImportField, ImportKind, ImportRow, Outcome, Preset
from chassis.imports.engine import Rows
from chassis.imports.mapping import check, guess, recognise, suggest
from chassis.imports.parsing import decode, formula_safe, parse, unmarked
from chassis.imports.reading import read


async def nothing(*_: object) -> list[Outcome]:
    return []


FIELDS = (ImportField("name", "Name"), ImportField("email", "E-mail", ("Mail",), many=True))
OLD = Preset("old", "Old", ("Name", "Mail"), {"Name": "name", "Mail": "email"})
NEW = Preset("new", "New", ("Name", "Mail", "Zip"), {"Name": "name", "Zip": "custom.zip"})
KIND = ImportKind("friends", FIELDS, "write", nothing, presets=(OLD, NEW), own=True)


def workbook(*rows: list[str | int | float | datetime]) -> bytes:
    """A workbook as small as it may be, of texts and numbers."""
    cells = "".join(
        "<row>"
        + "".join(
            f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            if isinstance(cell, str)
            else f"<c><v>{cell}</v></c>"
            for cell in row
        )
        + "</row>"
        for row in rows
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/a.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="People" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="a.xml"/></Relationships>',
        "xl/a.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, text in parts.items():
            packed.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return out.getvalue()


def test_a_workbook_is_read_like_any_other_file() -> None:
    sheet = read(workbook(["Name", "Mail", "Age"], ["Ada", "ada@x.de", 36], ["Bob", "", 1.5]))
    assert (sheet.format, sheet.headers) == ("xlsx", ("Name", "Mail", "Age"))
    assert list(sheet.rows()) == [(1, ["Ada", "ada@x.de", "36"]), (2, ["Bob", "", "1.5"])]
    assert list(sheet.rows()) == list(sheet.rows()), "an import goes on by the number of a row"
    titled = read(workbook(["All friends"], ["Name", "Mail", "Age"], ["Ada", "ada@x.de", 36]))
    assert (titled.headers[0], titled.left_out) == ("Name", ("above the table: All friends",))


def test_what_is_no_workbook_or_a_broken_one_is_refused_in_words() -> None:
    broken = workbook(["Name"])[:200]
    with pytest.raises(BadInput, match="workbook"):
        read(broken)
    with pytest.raises(BadInput, match="empty"):
        read(workbook())
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as packed:
        packed.writestr("a.txt", "hello")
    with pytest.raises(BadInput, match="not a text file"):
        read(other.getvalue() + b"\0")


def test_text_in_two_octets_a_letter_is_known_without_a_mark() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert decode("Name;Ort\nZoë;Köln\n".encode(encoding)) == (
            "Name;Ort\nZoë;Köln\n",
            encoding,
        )


def test_notices_above_and_below_a_table_are_no_rows() -> None:
    text = (
        b'Notes:\n"Some, say"\n\nName,Mail,Zip\nAda,a@x.de,1\n\n\n"All of them"\n"Confidential"\n'
    )
    sheet = parse(text)
    assert (sheet.headers, list(sheet.rows())) == (
        ("Name", "Mail", "Zip"),
        [(1, ["Ada", "a@x.de", "1"])],
    )
    assert sheet.left_out == (
        "above the table: Notes:",
        "above the table: Some, say",
        "below the table: All of them",
        "below the table: Confidential",
    )


def test_an_empty_line_in_a_cell_or_in_a_list_ends_no_table() -> None:
    note = b'Name,Mail,Note\nAda,a@x.de,"one\n\ntwo"\nBob,b@x.de,"one\n\nlast"\n'
    assert [cells[2] for _, cells in parse(note).rows()] == ["one\n\ntwo", "one\n\nlast"]
    listed = b"Mail\na@x.de\n\nb@x.de\n"
    assert [cells for _, cells in parse(listed).rows()] == [["a@x.de"], ["b@x.de"]]


def test_the_system_that_wrote_a_file_is_told_by_its_columns() -> None:
    assert recognise(["Name", "Phone"], KIND) is None
    assert recognise(["NAME", "mail"], KIND) == OLD
    assert recognise(["Name", "Mail", "Zip", "More"], KIND) == NEW
    assert suggest(["Name", "Mail", "Zip"], KIND, NEW) == {
        "Name": "name",
        "Zip": "custom.zip",
        "Mail": "email",
    }


def test_several_columns_may_become_a_field_that_holds_several_values() -> None:
    headers = ["Name", "Mail", "E-mail", "Nick"]
    assert guess(headers, FIELDS) == {"Name": "name", "E-mail": "email", "Mail": "email"}
    mapping = check({"Mail": "email", "E-mail": "email"}, headers, FIELDS)
    [row] = Rows(parse(b"Name,Mail,E-mail,Nick\nAda,a@x.de,b@x.de,\n"), mapping)
    assert row == ImportRow(1, {"email": f"a@x.de{SEVERAL}b@x.de"})
    with pytest.raises(BadInput, match="holds one value"):
        check({"Name": "name", "Nick": "name"}, headers, FIELDS)


def test_fields_of_ones_own_need_no_declaration() -> None:
    assert check({"Nick": "custom.nick"}, ["Nick"], FIELDS, own=True) == {"Nick": "custom.nick"}
    for name, own in (("custom.nick", False), ("custom.", True)):
        with pytest.raises(BadInput, match="no field"):
            check({"Nick": name}, ["Nick"], FIELDS, own=own)


def test_a_cell_that_was_defused_is_read_as_it_was() -> None:
    for cell in ("=1+1", "+46 8", "-1", "@x", "\tx", "\rx", "'tis"):
        assert unmarked(formula_safe(cell)) == cell
    assert (unmarked("'42"), unmarked("'42", marked=True)) == ("'42", "42")
