"""The pages, one file each."""

from gateway.web.pages import (
    analytics,
    board,
    campaigns,
    companies,
    contact_record,
    contacts,
    deals,
    duplicates,
    imports,
    ops,
    search,
    segments,
    settings,
    sign_in,
    templates,
    today,
)

PAGES = (
    sign_in.router,
    today.router,
    search.router,
    contacts.router,
    duplicates.router,  # neither similar nor duplicates is a contact
    segments.of_contact,
    contact_record.fields_router,
    contact_record.router,
    segments.router,
    companies.fields_router,
    companies.router,
    deals.fields_router,
    board.router,
    deals.router,
    analytics.router,
    templates.router,
    campaigns.router,
    ops.router,
    imports.router,
    settings.router,
)
