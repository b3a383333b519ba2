"""The text part of a mail, made from its HTML for readers that show no HTML; pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

_SILENT = frozenset({"head", "style", "script", "title", "noscript"})
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "header", "footer", "table", "ul", "ol", "blockquote"}
    | {f"h{level}" for level in range(1, 7)}
)
_VOID = frozenset({"br", "img", "hr", "meta", "link", "input", "area", "col", "wbr"})
_HIDDEN = re.compile(r"display\s*:\s*none")
_LINES = frozenset({"tr", "li", "dt", "dd"})


def from_html(html: str, link: Callable[[str], str]) -> str:
    """Readable text; a link is its words and, in brackets, what `link` makes of its address."""
    reader = _Reader(link)
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self, link: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self._link = link
        self._parts: list[str] = []
        self._silent = 0
        self._hidden = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if self._hidden or _HIDDEN.search(attributes.get("style") or ""):
            self._hidden += tag not in _VOID
            return
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self._parts.append("\n")
        elif tag == "li":
            self._parts.append("\n- ")
        elif tag in _LINES:
            self._parts.append("\n")
        elif tag in ("td", "th"):
            self._parts.append(" ")
        elif tag in _BLOCKS:
            self._parts.append("\n\n")
        elif tag == "img" and attributes.get("alt"):
            self._parts.append(f" {attributes['alt']} ")
        elif tag == "a":
            self._links.append((attributes.get("href") or "", len(self._parts)))

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._hidden -= 1
        elif tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self._parts.append("\n\n")
        elif tag == "a" and self._links:
            address, start = self._links.pop()
            words = "".join(self._parts[start:]).strip()
            if address and not address.startswith("#") and address != words:
                self._parts.append(f" ({self._link(address)})")

    def handle_data(self, data: str) -> None:
        if not self._silent and not self._hidden:
            self._parts.append(re.sub(r"\s+", " ", data))

    def handle_comment(self, data: str) -> None:
        """Statements of the template travel as comments; they take effect in the text too."""
        if not self._silent:
            self._parts.append(f"<!--{data}-->" if data.startswith("EVL") else "")

    def text(self) -> str:
        lines = (
            re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(self._parts).split("\n")
        )
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
