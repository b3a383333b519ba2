"""Reads delimited text as other systems write it: encodings, delimiters, quoting. Pure."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

from chassis.errors import BadInput

_DELIMITERS = ",;\t|"
_SAMPLE = 64 * 1024
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")

csv.field_size_limit(4 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A parsed file. `rows` yields (number, cells) from the first row of data on."""

    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    text: str

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row of data that has anything in it, numbered from 1."""
        reader = csv.reader(_lines(self.text), delimiter=self.delimiter)
        next(reader, None)
        number = 0
        for cells in reader:
            if any(map(str.strip, cells)):
                number += 1
                yield number, cells


def _lines(text: str) -> Iterator[str]:
    """The lines of a text with their ends, one at a time: io.StringIO would hold it once more, at
    four bytes a letter."""
    return (line[0] for line in _LINE.finditer(text))


def decode(content: bytes) -> tuple[str, str]:
    """The text and its encoding: by its byte order mark, else UTF-8, else Windows-1252."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(encoding), encoding
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), "cp1252"


def parse(content: bytes) -> Sheet:
    """The file as a sheet. Raises BadInput if there is no table in it."""
    text, encoding = decode(content)
    if "\x00" in text[:_SAMPLE]:
        raise BadInput(
            "This is not a text file. Save it as CSV (comma separated, UTF-8) and send that."
        )
    delimiter = _delimiter(text[:_SAMPLE])
    reader = csv.reader(_lines(text), delimiter=delimiter)
    headers = tuple(cell.strip() for cell in next(reader, []))
    if not any(headers):
        raise BadInput("The file is empty. Its first row must name the columns.")
    return Sheet(encoding, delimiter, headers, text)


def _delimiter(sample: str) -> str:
    """The delimiter that splits the first lines into the most columns, and equally many."""
    best, best_score = ",", 0
    for delimiter in _DELIMITERS:
        rows = list(csv.reader(_lines(sample), delimiter=delimiter))[:20]
        widths = [len(row) for row in rows if row]
        if not widths or widths[0] < 2:
            continue
        score = widths[0] * sum(width == widths[0] for width in widths)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def formula_safe(cell: str) -> str:
    """A cell that no spreadsheet runs: a leading = + - @ tab or return gets an apostrophe."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
