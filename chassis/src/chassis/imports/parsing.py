"""Reads delimited text as other systems write it: encodings, delimiters, quoting, and the notices
above and below the table. Pure."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from chassis.errors import BadInput
from chassis.imports.sheet import header_at, numbered

_DELIMITERS = ",;\t|"
_SAMPLE = 64 * 1024
_TAIL = 16 * 1024
_LOOKED_AT = 20
_NOTICE_SHOWN = 80
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_BLANK_LINES = re.compile(r"(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)")
_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")

csv.field_size_limit(4 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Delimited:
    """A parsed file. `begin`: so many records stand before the first row of data; `end`: where the
    text of the table ends."""

    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    text: str
    begin: int = 1
    end: int | None = None
    left_out: tuple[str, ...] = ()
    format: str = "csv"

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row of data that has anything in it, numbered from 1."""
        reader = csv.reader(_lines(self.text, self.end), delimiter=self.delimiter)
        return numbered(islice(reader, self.begin, None))


def _lines(text: str, end: int | None = None) -> Iterator[str]:
    """The lines of a text with their ends, one at a time: io.StringIO would hold it once more, at
    four bytes a letter."""
    return (line[0] for line in _LINE.finditer(text, 0, len(text) if end is None else end))


def decode(content: bytes) -> tuple[str, str]:
    """The text and its encoding: by its byte order mark, or every second byte of it is zero, else
    UTF-8, else Windows-1252."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace"), encoding
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = content[first:_SAMPLE:2]
        if (
            len(half) > 1
            and half.count(0) > len(half) * 0.8
            and 0 not in content[1 - first : 64 : 2]
        ):
            return content.decode(encoding, errors="replace"), encoding
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), "cp1252"


def parse(content: bytes) -> Delimited:
    """The file as a table. Raises BadInput if there is none in it."""
    text, encoding = decode(content)
    if "\x00" in text[:_SAMPLE]:
        raise BadInput(
            "This is not a text file. Save it as CSV (comma separated, UTF-8) and send that."
        )
    delimiter = _delimiter(text[:_SAMPLE])
    first = list(islice(csv.reader(_lines(text), delimiter=delimiter), _LOOKED_AT))
    at = header_at(first)
    headers = tuple(cell.strip() for cell in first[at]) if first else ()
    if not any(headers):
        raise BadInput("The file is empty. Its first row must name the columns.")
    end = _end_of_table(text, delimiter) if len(headers) > 2 else None
    below = csv.reader(_lines(text[end:]), delimiter=delimiter) if end is not None else ()
    left_out = (*_notices("above", first[:at]), *_notices("below", below))
    return Delimited(encoding, delimiter, headers, text, at + 1, end, left_out)


def _notices(where: str, records: Iterator[list[str]] | list[list[str]] | tuple[()]) -> list[str]:
    said = (" ".join(cell.strip() for cell in record if cell.strip()) for record in records)
    return [f"{where} the table: {line[:_NOTICE_SHOWN]}" for line in said if line]


def _end_of_table(text: str, delimiter: str) -> int | None:
    """Where the last lines begin that are no rows: of one cell each, after an empty line."""
    start = max(0, len(text) - _TAIL)
    for blank in _BLANK_LINES.finditer(text, start):
        at = blank.start()
        records = list(csv.reader(_lines(text[at:]), delimiter=delimiter))
        filled = [record for record in records if any(map(str.strip, record))]
        alone = filled and all(len(record) == 1 for record in filled)
        if alone and text.count('"', 0, at) % 2 == 0:  # not within a quoted cell
            return at
    return None


def _delimiter(sample: str) -> str:
    """The delimiter that splits most lines into the most columns, and equally many."""
    best, best_score = ",", 0
    for delimiter in _DELIMITERS:
        rows = list(islice(csv.reader(_lines(sample), delimiter=delimiter), _LOOKED_AT))
        widths = [len(row) for row in rows if row]
        for width in {width for width in widths if width > 1}:
            score = width * widths.count(width)
            if score > best_score:
                best, best_score = delimiter, score
    return best


def formula_safe(cell: str) -> str:
    """A cell that no spreadsheet runs: a leading = + - @ tab or return gets an apostrophe."""
    return f"'{cell}" if cell[:1] in _RUN_BY_SPREADSHEETS else cell


def unmarked(cell: str, marked: bool = False) -> str:
    """A cell without the apostrophe that keeps spreadsheets from reading it as anything but text;
    `marked`: whoever wrote the file puts it before everything of that kind."""
    if cell[:1] == "'" and (marked or cell[1:2] in _RUN_BY_SPREADSHEETS):
        return cell[1:]
    return cell
