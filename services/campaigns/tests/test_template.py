"""Templates: written, revised, and refused when they are broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from campaigns.domain.template import (
    TEMPLATE,
    Content,
    DraftTemplate,
    ReviseTemplate,
    TemplateDrafted,
    TemplateRevised,
)
from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
ID = new_id()
CONTENT = Content("News", "Hello {{ first_name }}", "html", "<p>Hi</p>")
DRAFTED = TemplateDrafted(
    ID, CONTENT.name, CONTENT.subject, CONTENT.format, CONTENT.body, occurred_at=NOON
)


def test_a_template_is_drafted_once() -> None:
    draft = DraftTemplate(ID, CONTENT, NOON)
    given(TEMPLATE).when(draft).then(DRAFTED)
    given(TEMPLATE, DRAFTED).when(draft).then_refused(Conflict)


def test_a_revision_says_everything_anew_and_nothing_if_nothing_changed() -> None:
    changed = replace(CONTENT, body="<p>Ho</p>", text="Ho")
    revised = TemplateRevised(
        ID, "News", "Hello {{ first_name }}", "html", "<p>Ho</p>", "Ho", occurred_at=NOON
    )
    given(TEMPLATE, DRAFTED).when(ReviseTemplate(changed, NOON)).then(revised)
    given(TEMPLATE, DRAFTED).when(ReviseTemplate(CONTENT, NOON)).then_nothing()
    given(TEMPLATE).when(ReviseTemplate(CONTENT, NOON)).then_refused(NotFound)
    assert given(TEMPLATE, DRAFTED, revised).state().content == changed  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("content", "saying"),
    [
        (replace(CONTENT, name=" "), "The name is empty"),
        (replace(CONTENT, subject=""), "The subject is empty"),
        (replace(CONTENT, subject="x" * 251), "at most 250"),
        (replace(CONTENT, body="<p>\0</p>"), "U+0000"),
        (replace(CONTENT, subject="{{ nope }}"), "The subject is broken in line 1"),
        (replace(CONTENT, body="<p>\n{{ nope }}</p>"), "The body is broken in line 2"),
        (replace(CONTENT, text="a\nb\n{% if name %}"), "The text is broken in line 3"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_reason(content: Content, saying: str) -> None:
    given(TEMPLATE).when(DraftTemplate(ID, content, NOON)).then_refused(BadInput, saying)
