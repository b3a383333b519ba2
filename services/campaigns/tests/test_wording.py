"""Wordings: merge fields filled safely, MJML and HTML made ready, links found, a text part made."""

from __future__ import annotations

import re
from typing import Literal

import pytest

from campaigns.domain.wording import Urls, Wording, compile_wording
from chassis.errors import BadInput

URLS = Urls("https://crm.example.com/u/1")


def html(body: str, text: str | None = None) -> Wording:
    return compile_wording("Hello {{ first_name|default:'you' }}", "html", body, text)


def visible(markup: str) -> str:
    """What is between the tags of the body."""
    return " ".join(re.sub(r"<[^>]*>", " ", markup.partition("<body>")[2]).split())


@pytest.mark.parametrize(
    ("source", "values", "expected"),
    [
        ('{{ first_name|default:"there" }}', {"first_name": "Ada"}, "Ada"),
        ('{{ first_name|default:"there" }}', {}, "there"),
        ('{{ first_name | default("R&D <x>") }}', {}, "R&amp;D &lt;x&gt;"),
        ("{{ last_name|upper }}", {"last_name": "Lovelace"}, "LOVELACE"),
        ("{{ name }}", {"name": "<b>Bo & Co</b>"}, "&lt;b&gt;Bo &amp; Co&lt;/b&gt;"),
        ("{% if company == 'A & B' %}yes{% else %}no{% endif %}", {"company": "A & B"}, "yes"),
        ("{% if not city %}nowhere{% endif %}", {}, "nowhere"),
        ("a{# a remark #}b", {}, "ab"),
        ("{{ 1 }}", {}, "1"),
    ],
)
def test_merge_fields_are_filled_and_escaped(
    source: str, values: dict[str, str], expected: str
) -> None:
    filled = html(f"<p>{source}</p>").fill(values, URLS)
    assert visible(filled.html) == f"{expected} Unsubscribe"


def test_what_a_person_is_called_is_never_taken_for_a_template() -> None:
    filled = html("<p>{{ name }}</p>").fill({"name": "{{ email }}{% if %}"}, URLS)
    assert "{{ email }}{% if %}" in filled.html


def test_the_subject_stays_one_line() -> None:
    filled = html("<p>x</p>").fill({"first_name": "Ada\r\nBcc: all@example.com"}, URLS)
    assert filled.subject == "Hello Ada Bcc: all@example.com"


def test_conditions_may_stand_around_rows_and_sections() -> None:
    body = "<table>{% if city %}<tr><td>{{ city }}</td></tr>{% endif %}<tr><td>x</td></tr></table>"
    wording = html(body)
    assert "<td>Rome</td>" in wording.fill({"city": "Rome"}, URLS).html
    assert wording.fill({}, URLS).html.count("<tr>") == 1
    mjml = (
        "<mjml><mj-body>{% if city %}<mj-section><mj-column><mj-text>In {{ city }}</mj-text>"
        "</mj-column></mj-section>{% endif %}</mj-body></mjml>"
    )
    compiled = compile_wording("s", "mjml", mjml, None)
    assert "In Rome" in compiled.fill({"city": "Rome"}, URLS).html
    assert "<table" not in compiled.fill({}, URLS).html.partition("<body")[2].partition("<!--")[0]


def test_styles_move_onto_the_elements_and_nothing_is_fetched() -> None:
    page = html("<style>p { color: red }</style><p>x</p>").fill({}, URLS).html
    assert '<p style="color: red;">' in page
    mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>"
    page = compile_wording("s", "mjml", f"{mjml}</mj-body></mjml>", None).fill({}, URLS).html
    assert "fonts.googleapis" not in page
    assert "<link" not in page


def test_links_are_numbered_by_where_they_lead_and_filled_with_care() -> None:
    wording = html(
        '<a href="https://x.example/?q={{ city }}&amp;r=1">A</a> '
        "<a href='https://x.example/?q={{ city }}&r=1'>the same</a> "
        '<a href="https://y.example/">B</a> <a href="mailto:a@b.example">C</a> '
        '<a href="#top">D</a> <a href="{{ unsubscribe_url }}">E</a>'
    )
    assert wording.links == ("https://x.example/?q={{ city }}&r=1", "https://y.example/")
    assert wording.target(0, {"city": "a b&c=d/ü"}) == (
        "https://x.example/?q=a%20b%26c%3Dd%2F%C3%BC&r=1"
    )
    assert wording.target(2, {}) is None
    assert wording.target(-1, {}) is None
    page = wording.fill({}, Urls("https://u", ["https://t/0", "https://t/1"], "https://p")).html
    assert re.findall(r'href="([^"]*)"', page) == [
        "https://t/0",
        "https://t/0",
        "https://t/1",
        "mailto:a@b.example",
        "#top",
        "https://u",
    ]
    assert '<img src="https://p"' in page
    assert "<img" not in wording.fill({}, URLS).html


def test_a_way_to_unsubscribe_is_added_only_if_there_is_none() -> None:
    with_own = html('<a href="{{ unsubscribe_url }}">bye</a>').fill({}, URLS)
    assert with_own.html.count(URLS.unsubscribe) == with_own.text.count(URLS.unsubscribe) == 1
    without = html("<p>x</p>").fill({}, URLS, "Books Ltd, 1 Main St")
    assert without.html.count(URLS.unsubscribe) == without.text.count(URLS.unsubscribe) == 1
    assert "Books Ltd, 1 Main St" in without.html
    assert without.text.endswith(f"-- \nBooks Ltd, 1 Main St\nUnsubscribe: {URLS.unsubscribe}\n")
    own_text = html('<a href="{{ unsubscribe_url }}">bye</a>', "Hi {{ name }}").fill({}, URLS)
    assert own_text.text == f"Hi \n\n-- \nUnsubscribe: {URLS.unsubscribe}\n"


def test_the_text_part_reads_like_the_mail() -> None:
    body = """<html><head><title>t</title><style>p{}</style></head><body>
    <div style="display:none">preview <span>x</span></div><h1>News &amp; more</h1>
    <p>Dear   {{ first_name }},<br>welcome</p><ul><li>one</li><li>two</li></ul>
    {% if city %}<p>In {{ city }}</p>{% endif %}
    <p><a href="https://x.example/{{ city }}">Shop</a> <a href="https://y.example">
    https://y.example</a> <img src="https://i.example/a.png" alt="A logo"></p></body></html>"""
    filled = html(body).fill({"first_name": "Ada <3", "city": "New York"}, URLS)
    assert filled.text == (
        "News & more\n\nDear Ada <3,\nwelcome\n\n- one\n- two\n\nIn New York\n\n"
        "Shop (https://x.example/New%20York) https://y.example A logo\n\n"
        f"-- \nUnsubscribe: {URLS.unsubscribe}\n"
    )


@pytest.mark.parametrize(
    ("format_", "body", "line", "saying"),
    [
        ("html", "  ", 1, "it is empty"),
        ("html", "a\n{{ nmae }}", 2, "Did you mean 'name'?"),
        ("html", "a\n\n{{ name|shout }}", 3, "no filter 'shout'"),
        ("html", "{{ name", 1, "it cannot be read"),
        ("html", "\n{% if name %}x", 2, "never closed"),
        ("html", "\n{% for x in name %}{% endfor %}", 2, "no for"),
        ("html", "{{ name.upper() }}", 1, "only merge fields"),
        ("html", "{{ 'a' * 99999999 }}", 1, "no mul"),
        ("html", "{% if name > 'a' %}{% endif %}", 1, "only == and !="),
        ("html", "{{ name|default }}", 1, 'write |default:"there"'),
        ("html", "{{ name|upper(1) }}", 1, "without an argument"),
        ("html", "x\n<p {% if name %}id='a'{% endif %}>", 2, "inside a tag"),
        ("html", "<p>\n<script>alert(1)</script>", 2, "<script> is not allowed"),
        ("html", "<img src='x' onerror='y'>", 1, "onerror would run a script"),
        ("html", "\n<a href='JavaScript:x'>", 2, "no address"),
        ("html", "<a href='https://{{ city }}.example/'>", 1, "host of a link"),
        ("html", f"<a href='https://x.example/{'a' * 1500}'>", 1, "more than 1500"),
        ("html", "<mj-text>x</mj-text>", 1, "is MJML"),
        ("mjml", "<p>x</p>", 1, "MJML begins with <mjml>"),
        ("mjml", "<mjml><mj-body>\n<mj-txt>x</mj-txt></mj-body></mjml>", 2, "no element <mj-txt>"),
        ("mjml", "<mjml>\n<mj-body>\n<mj-section></mj-body></mjml>", 3, "closed first"),
        ("mjml", "<mjml>\n<mj-body>", 2, "never closed"),
        ("mjml", "<mjml></mj-body></mjml>", 1, "closed first"),
        ("mjml", "<mjml><mj-include path='/etc/passwd'/></mjml>", 1, "<mj-include> is not allowed"),
    ],
)
def test_a_broken_template_is_refused_with_line_and_reason(
    format_: Literal["mjml", "html"], body: str, line: int, saying: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        compile_wording("s", format_, body, None)
    assert refusal.value.problem == "broken-template"
    [error] = refusal.value.extra["errors"]
    assert (error["line"], saying in error["detail"]) == (line, True), error
