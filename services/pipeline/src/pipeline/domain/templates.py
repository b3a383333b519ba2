"""Pipelines to begin with, for selling and for what else goes through stages. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.domain.pipeline import StageDraft


@dataclass(frozen=True, slots=True)
class Template:
    """A pipeline somebody has thought out already."""

    name: str
    about: str
    stages: tuple[StageDraft, ...]


SALES = Template(
    "Sales",
    "From the first contact to a signed order.",
    (
        StageDraft("Prospecting", 10, 30),
        StageDraft("Engaging", 40, 45),
        StageDraft("Proposal", 60, 21),
        StageDraft("Negotiation", 80, 14),
    ),
)

TEMPLATES: Mapping[str, Template] = {
    "sales": SALES,
    "pre-orders": Template(
        "Pre-orders",
        "Customers who want something that is not there yet.",
        (
            StageDraft("Interested", 20, 30),
            StageDraft("Reserved", 60, 30),
            StageDraft("Deposit paid", 90, 60),
            StageDraft("Ready for pick-up", 95, 7),
        ),
    ),
    "in-store-event": Template(
        "In-store event",
        "Readings, tastings, workshops: from the invitation to the purchase.",
        (
            StageDraft("Invited", 10, 14),
            StageDraft("Registered", 40, 21),
            StageDraft("Confirmed", 60, 14),
            StageDraft("Attended", 75, 7),
        ),
    ),
    "abandoned-cart": Template(
        "Abandoned cart",
        "Carts that were left behind: won means recovered.",
        (
            StageDraft("Cart abandoned", 15, 1),
            StageDraft("First reminder", 12, 2),
            StageDraft("Second reminder", 8, 3),
            StageDraft("Personal offer", 20, 5),
        ),
    ),
    "renewals": Template(
        "Renewals",
        "Contracts and subscriptions that come to their end.",
        (
            StageDraft("Upcoming", 70, 60),
            StageDraft("Contacted", 75, 21),
            StageDraft("Offer sent", 80, 14),
            StageDraft("Terms agreed", 95, 10),
        ),
    ),
}
