"""Turns templates into HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, Environment, PackageLoader, Undefined, select_autoescape
from markupsafe import Markup, escape

from chassis.ids import new_id
from gateway.web import charting, formatting, moments, sentences
from gateway.web.static_files import static_files


@cache
def environment() -> Environment:
    """The templates. An absent field is empty: services may be older or newer than a page."""
    env = Environment(
        loader=PackageLoader("gateway.web", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "money": formatting.money,
        "money_of": formatting.money_of,
        "short_money": formatting.short_money,
        "short_number": formatting.short_number,
        "number": formatting.number,
        "percent": formatting.percent,
        "day": formatting.day,
        "month": formatting.month,
        "ago": formatting.ago,
        "moment": formatting.moment,
        "point": formatting.point,
        "due": formatting.due,
        "initials": formatting.initials,
        "tone": formatting.tone,
        "filesize": formatting.size,
        "device": formatting.device,
        "json_attribute": json_attribute,
        "as_json": as_json,
        "spoken": spoken,
    }
    env.filters.update({name: _of_nothing(filter_) for name, filter_ in filters.items()})
    env.globals.update(
        {
            "icon": icon,
            "asset": lambda name: static_files().url(name),
            "plural": _of_nothing(formatting.plural),
            "figure": _of_nothing(formatting.figure),
            "told": _of_nothing(charting.told),
            "spark_points": charting.points,
            "said": sentences.said,
            "kind_said": sentences.kind_said,
            "history_rows": sentences.history_rows,
            "moments": moments.moments,
            "happened_by": _of_nothing(moments.happened_by),
            "stops_json": stops_json,
            "readable": _of_nothing(sentences.readable),
            "moment_place": _of_nothing(moments.place),
            "timeline_text": sentences.timeline_text,
            "record_url": _of_nothing(sentences.record_url),
            "query": query,
            "once": lambda: str(new_id()),
            "parse_time": formatting.parse_time,
        }
    )
    return env


def _of_nothing(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, with an absent field as None."""

    def filtered(value: Any, *arguments: Any, **more: Any) -> Any:
        return filter_(None if isinstance(value, Undefined) else value, *arguments, **more)

    return filtered


def render(template: str, **context: Any) -> str:
    """A template with its values."""
    return environment().get_template(template).render(**context)


def icon(name: str, kind: str = "", label: str = "") -> Markup:
    """An icon of the sprite: for the eye only, unless it has a label."""
    sprite = static_files().url("vendor/icons.svg")
    heard = (
        Markup('role="img" aria-label="{}"').format(label)
        if label
        else Markup('aria-hidden="true"')
    )
    shape = Markup('<svg class="icon {}" {}><use href="{}#{}"/></svg>')
    return shape.format(kind, heard, sprite, name)


def json_attribute(value: Any) -> Markup:
    """Data for a script, as an attribute's value."""
    return escape(json.dumps(value, default=str, separators=(",", ":")))


def stops_json(stops: Sequence[moments.Moment]) -> Markup:
    """The stops of a time machine, for its script."""
    return json_attribute([asdict(stop) for stop in stops])


def as_json(value: Any) -> str:
    """Data for people to read."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def query(path: str, **params: Any) -> str:
    """A path with those parameters that have a value."""
    kept = {name: value for name, value in params.items() if value not in (None, "", False)}
    return f"{path}?{urlencode(kept, doseq=True)}" if kept else path


def spoken(value: str | datetime | None) -> str:
    """A key as words: `first_name` → `First name`, `email` → `E-mail`."""
    text = str(value or "").replace("_", " ").replace("-", " ").strip().replace("email", "e-mail")
    return text[:1].upper() + text[1:]
