"""What the list of contacts shows, by its address and the saved views."""

from __future__ import annotations

from typing import Any

from gateway.web.listing import Layout, Listing, listing

NORTH: dict[str, Any] = {
    "id": "n",
    "name": "North",
    "columns": ["city", "tags"],
    "filters": {"country": "NO"},
    "sort": "-created",
    "default": False,
}
MINE = {**NORTH, "id": "m", "filters": {"tag": "VIP"}, "default": True}
VIEWS = (NORTH, MINE)


def asked(columns: tuple[str, ...] = (), **given: str) -> Listing:
    return listing(given, columns, VIEWS)


def test_a_view_tells_all_unless_the_address_does() -> None:
    shown = asked(view="n")
    assert shown.layout == Layout({"country": "NO"}, "-created", ("tags", "city"))
    assert (shown.changed, shown.address) == (False, {"view": "n"})
    edited = asked(("city",), view="n", edited="1", sort="-created", q="ada")
    assert edited.layout == Layout({"q": "ada"}, "-created", ("city",))
    assert edited.changed
    again = listing(edited.address, edited.address["columns"], VIEWS)
    assert again.layout == edited.layout


def test_the_list_opens_with_the_chosen_view_and_links_narrow_everybody() -> None:
    assert asked().view == MINE
    assert asked(view="all").view is None
    assert asked(view="gone").layout == Layout()
    linked = asked(segment="s")
    assert (linked.view, linked.layout.filters) == (None, {"segment": "s"})


def test_a_search_alone_is_not_offered_to_be_kept() -> None:
    usual = tuple(Layout().columns)
    assert not asked(usual, view="all", edited="1", q="ada").worth_keeping
    assert asked(usual, view="all", edited="1", tag="VIP").worth_keeping
    assert asked(("city",), view="all", edited="1").worth_keeping
    assert not asked(view="n").worth_keeping
    assert asked(view="n", edited="1", q="x").worth_keeping


def test_the_past_knows_no_last_activity() -> None:
    then = Layout().of_the_past()
    assert (then.sort, "activity" in then.columns) == ("name", False)
    assert set(then.columns) == set(Layout().columns) - {"activity"}
    assert Layout(sort="-created").of_the_past().sort == "-created"
