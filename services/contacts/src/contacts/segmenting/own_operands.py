"""Values of own fields as SQL: what a person has, taken for what a question takes it for.

Whatever stands there, it is never an error: what is no number and no day is none.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import ColumnElement, Date, DateTime, Float, Integer, Text, case, func, null, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY

from contacts.read_models.traits import TRAITS

_NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,20})?$"
_DAY = "^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


def own_operand(key: str, kind: str) -> ColumnElement[Any]:
    """The value under a key, for the person in the row of `traits`."""
    there = TRAITS.c.custom[key]
    text = cast(ColumnElement[Any], there.astext)
    match kind:
        case "number":
            number = sql_cast(text, Float(53))
            return case((text.regexp_match(_NUMBER), number), else_=null())
        case "date":
            return case((text.regexp_match(_DAY), _beginning(text)), else_=null())
        case "tags":
            several = func.jsonb_typeof(there) == "array"
            return case((several, _elements(there)), else_=func.array_remove(_only(text), null()))
    return text


def _beginning(day: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of a day, in UTC. The 31st of a month of 30 days is the 1st of the next: no cast may fail."""
    first = sql_cast(func.concat(func.left(day, 8), "01"), Date)
    date = first + (sql_cast(func.right(day, 2), Integer) - 1)
    return func.timezone("UTC", sql_cast(date, DateTime), type_=DateTime(timezone=True))


def _elements(several: ColumnElement[Any]) -> ColumnElement[Any]:
    each = func.jsonb_array_elements_text(several).column_valued("each")
    return func.array(select(each).scalar_subquery(), type_=ARRAY(Text))


def _only(text: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.array_append(sql_cast(null(), ARRAY(Text)), text, type_=ARRAY(Text))
