"""Exports of deals: their columns, and which field each becomes. Pure data."""

from __future__ import annotations

from chassis.imports import Preset

HUBSPOT_DEALS = Preset(
    "hubspot-deals",
    "HubSpot deals",
    ("Record ID", "Deal Name", "Deal Stage", "Deal owner"),
    {
        "Record ID": "external_id",
        "Deal Name": "title",
        "Deal Stage": "stage",
        "Close Date": "closed_on",
        "Deal owner": "owner",
        "Amount": "value",
        "Create Date": "opened_on",
        "Associated Company": "company",
        "Associated Contact": "contact",
    },
    {"source": "hubspot"},
)
ZOHO_DEALS = Preset(
    "zoho-deals",
    "Zoho CRM deals",
    ("Record Id", "Deal Name", "Account Name", "Stage", "Closing Date"),
    {
        "Record Id": "external_id",
        "Deal Name": "title",
        "Account Name": "company",
        "Contact Name": "contact",
        "Stage": "stage",
        "Closing Date": "closed_on",
        "Amount": "value",
        "Deal Owner": "owner",
        "Created Time": "opened_on",
        "Lead Source": "source",
    },
    {"source": "zoho"},
)
DEAL_PRESETS = (HUBSPOT_DEALS, ZOHO_DEALS)
