"""The wording of a mail: MJML or HTML made ready for mail programs, its links, its text part; pure.

A template is compiled once and filled per reader. While MJML and HTML are worked on, merge fields
stand aside as words, statements as comments, so that no parser can move or escape them.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import css_inline
from jinja2 import Template
from mjml import mjml2html

from campaigns.domain import merge_fields, plain_text
from campaigns.domain.markup import inspect
from chassis.errors import BadInput

Format = Literal["mjml", "html"]

_MARK = re.compile(r"<!--EVLx(\d+)x-->|EVLx(\d+)x")
_LINK = re.compile(r"""(<a\b[^>]*?\shref=)(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_GAPS = re.compile(r"\n{3,}")
_POSITION = re.compile(r"at position (\d+):")

_PIXEL = (
    '{% if _pixel %}<img src="{{ _pixel }}" alt="" width="1" height="1" '
    'style="display:block;border:0">{% endif %}'
)
_FOOTER_HTML = (
    '{% if _imprint or _footer %}<div style="padding:24px 16px;text-align:center;'
    'font:12px/18px Helvetica,Arial,sans-serif;color:#666666">'
    "{% if _imprint %}{{ _imprint }}<br>{% endif %}"
    '{% if _footer %}<a href="{{ unsubscribe_url }}" style="color:#666666">Unsubscribe</a>'
    "{% endif %}</div>{% endif %}"
)
_FOOTER_TEXT = (
    "{% if _imprint or _text_footer %}\n-- \n{% if _imprint %}{{ _imprint }}\n{% endif %}"
    "{% if _text_footer %}Unsubscribe: {{ unsubscribe_url }}\n{% endif %}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the links of one mail lead. `links`: one per link of the wording, or none: as is."""

    unsubscribe: str
    links: Sequence[str] = ()
    pixel: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A wording for one reader."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Wording:
    """A compiled template. `links`: the addresses of its links, merge fields unfilled."""

    links: tuple[str, ...]
    _subject: Template
    _html: Template
    _text: Template
    _targets: tuple[Template, ...]
    _unsubscribes: bool
    _text_unsubscribes: bool

    def fill(self, values: Mapping[str, str], urls: Urls, imprint: str = "") -> Filled:
        """The wording for the reader with these field values; what is missing is left out."""
        fields = {name: values.get(name, "") for name in merge_fields.FIELDS}
        fields["unsubscribe_url"] = urls.unsubscribe
        targets = [target.render(fields) for target in self._targets]
        inside = {
            **fields,
            "_links": urls.links or targets,
            "_targets": targets,
            "_pixel": urls.pixel,
            "_footer": not self._unsubscribes,
            "_text_footer": not self._text_unsubscribes,
            "_imprint": imprint,
        }
        return Filled(
            subject=" ".join(self._subject.render(fields).split()),
            html=self._html.render(inside),
            text=_GAPS.sub("\n\n", self._text.render(inside)).strip() + "\n",
        )

    def target(self, number: int, values: Mapping[str, str]) -> str | None:
        """Where a link leads this reader; None if there is no such link."""
        if not 0 <= number < len(self._targets):
            return None
        return self._targets[number].render(
            {name: values.get(name, "") for name in merge_fields.FIELDS}
        )


def compile_wording(subject: str, format_: Format, body: str, text: str | None) -> Wording:
    """Check and compile. Raises BadInput with the line and the reason of what is broken."""
    merge_fields.check("subject", subject)
    merge_fields.check("body", body)
    aside = _Aside(body)
    inspect(body, aside.lined(), mjml=format_ == "mjml", mark=_MARK)
    page = _made_ready(aside.shielded(), format_, body)
    links = _Links(aside.back)
    linked = _LINK.sub(links.wrap, page)
    if text is None or not text.strip():
        source = aside.back(plain_text.from_html(page, links.in_text))
    else:
        merge_fields.check("text", text)
        source = text
    source = source.rstrip() + "\n"
    addresses = links.addresses
    return Wording(
        links=tuple(addresses),
        _subject=merge_fields.text(subject),
        _html=merge_fields.html(aside.back(_with_ending(linked))),
        _text=merge_fields.text(source + _FOOTER_TEXT),
        _targets=tuple(merge_fields.url(address) for address in addresses),
        _unsubscribes="unsubscribe_url" in merge_fields.fields_of(body),
        _text_unsubscribes=any("unsubscribe_url" in p for p in merge_fields.PIECE.findall(source)),
    )


def _made_ready(shielded: str, format_: Format, body: str) -> str:
    """HTML as mail programs need it: one document, styles on the elements."""
    if format_ == "html":
        inliner = css_inline.CSSInliner(
            load_remote_stylesheets=False, keep_style_tags=True, keep_at_rules=True
        )
        try:
            return inliner.inline(shielded)
        except (ValueError, css_inline.InlineError) as error:
            raise merge_fields.refusal("body", 1, f"its styles cannot be read: {error}.") from error
    try:
        page: str = mjml2html(shielded, fonts={})
    except ValueError as error:
        raise _mjml_refusal(str(error), shielded, body) from error
    return page


def _mjml_refusal(message: str, shielded: str, body: str) -> BadInput:
    found = _POSITION.search(message)
    line = body.count("\n") + 1
    if found:
        line = shielded.encode()[: int(found[1])].count(b"\n") + 1
    reason = message.replace(" in root template", "").replace("template", "element")
    return merge_fields.refusal("body", line, f"MJML says: {reason}.")


def _with_ending(page: str) -> str:
    """The footer and the pixel at the end of the page."""
    ends = list(_BODY_END.finditer(page))
    at = ends[-1].start() if ends else len(page)
    return page[:at] + _FOOTER_HTML + _PIXEL + page[at:]


class _Aside:
    """Puts merge fields and statements aside, and back."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._pieces: list[str] = []
        for piece in merge_fields.PIECE.finditer(source):
            if piece[0].startswith("{%") and _inside_a_tag(source[: piece.start()]):
                line = source.count("\n", 0, piece.start()) + 1
                reason = "{% if %} cannot stand inside a tag; put it around the whole element."
                raise merge_fields.refusal("body", line, reason)
            self._pieces.append(piece[0])

    def shielded(self) -> str:
        """The source without anything in braces."""
        return self._replaced(lined=False)

    def lined(self) -> str:
        """The same, and every line is still where it was."""
        return self._replaced(lined=True)

    def _replaced(self, *, lined: bool) -> str:
        numbers = iter(range(len(self._pieces)))

        def mark(piece: re.Match[str]) -> str:
            number, source = next(numbers), piece[0]
            lines = "\n" * source.count("\n") if lined else ""
            if source.startswith("{#"):
                return lines
            return (
                f"<!--EVLx{number}x-->" if source.startswith("{%") else f"EVLx{number}x"
            ) + lines

        return merge_fields.PIECE.sub(mark, self._source)

    def back(self, shielded: str) -> str:
        """Everything in braces where it belongs."""
        return _MARK.sub(lambda mark: self._pieces[int(mark[1] or mark[2])], shielded)


def _inside_a_tag(before: str) -> bool:
    return bool(re.search(r"<[a-zA-Z/][^<>]*$", before))


class _Links:
    """Numbers the addresses that links lead to."""

    def __init__(self, back: Callable[[str], str]) -> None:
        self.addresses: list[str] = []
        self._back = back

    def wrap(self, link: re.Match[str]) -> str:
        """A link with its address replaced by what stands for it."""
        address = entities.unescape(link[2] if link[2] is not None else link[3]).strip()
        if not _leads_out(address):
            return link[0]
        return f'{link[1]}"{{{{ _links[{self._number(address)}] }}}}"'

    def in_text(self, address: str) -> str:
        """What stands for an address in the text part."""
        address = address.strip()
        if not _leads_out(address):
            return address
        return f"{{{{ _targets[{self._number(address)}] }}}}"

    def _number(self, shielded: str) -> int:
        address = self._back(shielded)
        if address not in self.addresses:
            self.addresses.append(address)
        return self.addresses.index(address)


def _leads_out(address: str) -> bool:
    return address.lower().startswith(("http://", "https://"))
