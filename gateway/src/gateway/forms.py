"""The CSRF token in a plain HTML form. Pure."""

from __future__ import annotations

from urllib.parse import parse_qs

FIELD = "csrf_token"


def csrf_in_form(body: bytes) -> str:
    """The token in an urlencoded form; empty if there is none."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=1000)
    except (UnicodeDecodeError, ValueError):
        return ""
    return fields.get(FIELD, [""])[0]
