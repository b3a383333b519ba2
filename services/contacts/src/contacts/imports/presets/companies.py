"""Exports of companies: their columns, and which field each becomes. Pure data."""

from __future__ import annotations

from chassis.imports import Preset

HUBSPOT_COMPANIES = Preset(
    "hubspot-companies",
    "HubSpot companies",
    ("Record ID", "Company name", "Company owner", "Company Domain Name"),
    {
        "Record ID": "external_id",
        "Company name": "name",
        "Company owner": "owner",
        "Create Date": "created_at",
        "City": "city",
        "Country/Region": "country",
        "Industry": "sector",
        "Company Domain Name": "website",
    },
    {"external_source": "hubspot"},
)
ZOHO_ACCOUNTS = Preset(
    "zoho-accounts",
    "Zoho CRM accounts",
    ("Record Id", "Account Name", "Account Type", "Billing Street"),
    {
        "Record Id": "external_id",
        "Account Name": "name",
        "Account Type": "tags",
        "Billing City": "city",
        "Billing Country": "country",
        "Industry": "sector",
        "Website": "website",
        "Employees": "employees",
        "Account Owner": "owner",
        "Created Time": "created_at",
    },
    {"external_source": "zoho"},
)
COMPANY_PRESETS = (HUBSPOT_COMPANIES, ZOHO_ACCOUNTS)
