"""Looks a mail's markup over before it is compiled, and says in which line what is wrong; pure."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from campaigns.domain.merge_fields import refusal

_MJML = frozenset(
    [
        "mjml",
        "mj-head",
        "mj-body",
        "mj-attributes",
        "mj-all",
        "mj-class",
        "mj-breakpoint",
        "mj-font",
        "mj-html-attributes",
        "mj-selector",
        "mj-html-attribute",
        "mj-preview",
        "mj-style",
        "mj-title",
        "mj-accordion",
        "mj-accordion-element",
        "mj-accordion-title",
        "mj-accordion-text",
        "mj-button",
        "mj-carousel",
        "mj-carousel-image",
        "mj-column",
        "mj-divider",
        "mj-group",
        "mj-hero",
        "mj-image",
        "mj-navbar",
        "mj-navbar-link",
        "mj-raw",
        "mj-section",
        "mj-social",
        "mj-social-element",
        "mj-spacer",
        "mj-table",
        "mj-text",
        "mj-wrapper",
    ]
)
_NEVER = frozenset({"script", "iframe", "object", "embed", "base", "form", "mj-include"})
_BAD_ADDRESS = re.compile(r"^\s*(javascript|vbscript|data)\s*:", re.IGNORECASE)

_ADDRESS_MOST = 1500


def inspect(source: str, shielded: str, *, mjml: bool, mark: re.Pattern[str]) -> None:
    """Raises BadInput for the first thing that is wrong.

    `shielded`: the source with its merge fields replaced by what `mark` finds, line for line.
    """
    if not source.strip():
        raise refusal("body", 1, "it is empty. Write what the mail should say.")
    looker = _Looker(mjml, mark)
    looker.feed(shielded)
    looker.close()
    looker.finish()


class _Looker(HTMLParser):
    def __init__(self, mjml: bool, mark: re.Pattern[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._mjml = mjml
        self._mark = mark
        self._open: list[tuple[str, int]] = []
        self._seen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)
        if self._ours(tag):
            self._open.append((tag, self.getpos()[0]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._ours(tag):
            return
        line = self.getpos()[0]
        if not self._open:
            raise refusal("body", line, f"</{tag}> closes nothing.")
        opened, where = self._open.pop()
        if opened != tag:
            reason = f"</{tag}> comes where <{opened}> of line {where} has to be closed first."
            raise refusal("body", line, reason)

    def finish(self) -> None:
        """What can only be said at the end."""
        if self._open:
            tag, line = self._open[-1]
            raise refusal("body", line, f"<{tag}> is never closed.")
        if self._mjml and not self._seen:
            raise refusal("body", 1, "MJML begins with <mjml>; or say that it is HTML.")

    def _ours(self, tag: str) -> bool:
        return self._mjml and (tag == "mjml" or tag.startswith("mj-"))

    def _look(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        if tag in _NEVER:
            reason = f"<{tag}> is not allowed: mail programs remove it or warn of it."
            raise refusal("body", line, reason)
        if self._ours(tag):
            self._seen = self._seen or tag == "mjml"
            if tag not in _MJML:
                raise refusal("body", line, f"there is no element <{tag}> in MJML.")
        elif tag == "mjml" or tag.startswith("mj-"):
            raise refusal("body", line, f"<{tag}> is MJML; say so in the template's format.")
        for name, value in attrs:
            self._look_at_attribute(line, name, value or "")

    def _look_at_attribute(self, line: int, name: str, value: str) -> None:
        if name.startswith("on"):
            raise refusal("body", line, f"the attribute {name} would run a script; remove it.")
        if name not in ("href", "src"):
            return
        if name == "href" and len(value) > _ADDRESS_MOST:
            raise refusal("body", line, f"a link has more than {_ADDRESS_MOST} characters.")
        if _BAD_ADDRESS.match(value) and not value.startswith("data:image/"):
            raise refusal("body", line, f"'{value[:30]}' is no address a mail may lead to.")
        host = re.match(r"^\s*https?://([^/?#]*)", value, re.IGNORECASE)
        if host and self._mark.search(host[1]):
            raise refusal(
                "body", line, "a merge field cannot stand in the host of a link, only after it."
            )
