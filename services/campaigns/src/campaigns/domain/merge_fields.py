"""Merge fields: `{{ first_name|default:"there" }}`, filled in a sandbox; pure.

A small set on purpose: the fields of FIELDS, the filters of FILTERS, `{% if %}` with `==`, `!=`,
`and`, `or`, `not`. No loops, no calls, no attributes: a template can neither hang the sender nor
reach anything but the fields. Filters take their argument in either style, `|default:"there"` or
`|default("there")`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chassis.errors import BadInput

FIELDS: Mapping[str, str] = {
    "first_name": "First name of the reader.",
    "last_name": "Last name of the reader.",
    "name": "First and last name.",
    "email": "The address the mail goes to.",
    "company": "Name of the company the reader works for.",
    "city": "City of the reader.",
    "country": "Country of the reader.",
    "language": "Language of the reader.",
    "unsubscribe_url": "Where the reader unsubscribes; added at the end if you leave it out.",
}
SAMPLE: Mapping[str, str] = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "company": "Analytical Engines",
    "city": "London",
    "country": "GB",
    "language": "en",
}

PIECE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
"""A merge field, a statement or a comment in a template's source."""

_COLON = re.compile(r"""\|(\s*\w+\s*):\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Filter,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Compare,
    nodes.Operand,
)


def _or_else(value: Any, fallback: str = "") -> Any:
    """The value, or the fallback if it is empty."""
    return value or fallback


FILTERS: Mapping[str, Callable[..., Any]] = {
    "default": _or_else,
    "upper": lambda value: str(value).upper(),
    "lower": lambda value: str(value).lower(),
    "title": lambda value: str(value).title(),
    "capitalize": lambda value: str(value).capitalize(),
    "trim": lambda value: str(value).strip(),
}


def _environment(
    *, autoescape: bool, finalize: Callable[[Any], Any] | None = None
) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=autoescape,
        undefined=StrictUndefined,
        finalize=finalize,
        keep_trailing_newline=True,
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update(FILTERS)
    return environment


_HTML = _environment(autoescape=True)
_TEXT = _environment(autoescape=False)
_URL = _environment(autoescape=False, finalize=lambda value: quote(str(value), safe=""))


def html(source: str) -> Template:
    """A checked source that makes HTML: what is filled in is escaped."""
    return _HTML.from_string(modern(source))


def text(source: str) -> Template:
    """A checked source that makes plain text."""
    return _TEXT.from_string(modern(source))


def url(source: str) -> Template:
    """A checked source that makes a URL: what is filled in is percent-encoded."""
    return _URL.from_string(modern(source))


def modern(source: str) -> str:
    """`|default:"x"` as the engine knows it, `|default("x")`; lines stay where they are."""
    return PIECE.sub(lambda piece: _COLON.sub(r"|\1(\2)", piece[0]), source)


def refusal(part: str, line: int, reason: str) -> BadInput:
    """The refusal of a template: where, why, and what to do."""
    return BadInput(
        f"The {part} is broken in line {line}: {reason}",
        code="broken-template",
        errors=[{"part": part, "line": line, "detail": reason, "pointer": f"#/{part}"}],
    )


def check(part: str, source: str) -> None:
    """Raises BadInput with line and reason unless the source uses what is allowed, rightly."""
    try:
        tree = _TEXT.parse(modern(source))
    except TemplateSyntaxError as error:
        raise refusal(part, error.lineno, _in_our_words(error.message or "")) from error
    line = 1
    for node in _walk(tree):
        line = node.lineno or line
        problem = _problem(node)
        if problem:
            raise refusal(part, line, problem)


def fields_of(source: str) -> frozenset[str]:
    """The fields a checked source names."""
    return frozenset(
        node.name for node in _walk(_TEXT.parse(modern(source))) if isinstance(node, nodes.Name)
    )


def _in_our_words(message: str) -> str:
    if "'endif'" in message:
        return "an {% if %} is never closed. End it with {% endif %}."
    return f"it cannot be read: {message.rstrip('.')}."


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _problem(node: nodes.Node) -> str | None:
    match node:
        case nodes.Name(name=name) if name not in FIELDS:
            return f"there is no field '{name}'. {_meant(name, FIELDS)}"
        case nodes.Filter(name=name) if name not in FILTERS:
            return f"there is no filter '{name}'. {_meant(name, FILTERS)}"
        case nodes.Filter(name=name, args=args, kwargs=kwargs):
            if kwargs or len(args) != (name == "default"):
                return f"write {_usage(name)}."
        case nodes.Operand(op=op) if op not in ("eq", "ne"):
            return "only == and != compare here."
        case _ if not isinstance(node, _ALLOWED):
            return (
                "only merge fields, filters and {% if %} are allowed here, "
                f"no {type(node).__name__.lower()}."
            )
    return None


def _usage(name: str) -> str:
    return '|default:"there"' if name == "default" else f"|{name} without an argument"


def _meant(name: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(name, known, 1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}There are: {', '.join(known)}."
