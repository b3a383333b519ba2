"""What the contacts service consists of."""

from __future__ import annotations

from chassis.imports import IMPORT_SCHEMA, import_router, import_worker
from chassis.manifest import Manifest
from contacts.api import (
    access_export,
    breach,
    bulk,
    changes,
    companies,
    consents,
    diffs,
    duplicates,
    erasures,
    exports,
    merges,
    overview,
    own_fields,
    people,
    person_parts,
    purchases,
    retention,
    saved_views,
    segments,
)
from contacts.bulk import BULK_KIND
from contacts.domain.company import COMPANY
from contacts.domain.default_view import DEFAULT_VIEW
from contacts.domain.export import EXPORT
from contacts.domain.membership import MEMBERSHIP
from contacts.domain.merging_rule import MERGING_RULE
from contacts.domain.own_field import OWN_FIELD
from contacts.domain.person import PERSON
from contacts.domain.purchase import PURCHASE
from contacts.domain.retention_rule import RETENTION_RULE
from contacts.domain.saved_view import SAVED_VIEW
from contacts.domain.segment import SEGMENT
from contacts.finding.finder import find_duplicates
from contacts.finding.store import DUPLICATES_SCHEMA
from contacts.imports import KINDS
from contacts.read_models.companies import COMPANIES_PROJECTION
from contacts.read_models.consent_ledger import CONSENT_LEDGER_PROJECTION
from contacts.read_models.deal_standings import DEAL_STANDINGS_PROJECTION
from contacts.read_models.exports import EXPORTS_PROJECTION
from contacts.read_models.headcounts import HEADCOUNTS_PROJECTION
from contacts.read_models.known_api_tokens import KNOWN_API_TOKENS_PROJECTION
from contacts.read_models.known_broadcasts import KNOWN_BROADCASTS_PROJECTION
from contacts.read_models.known_deals import KNOWN_DEALS_PROJECTION
from contacts.read_models.known_users import KNOWN_USERS_PROJECTION
from contacts.read_models.known_workspaces import KNOWN_WORKSPACES_PROJECTION
from contacts.read_models.likenesses import LIKENESSES_PROJECTION
from contacts.read_models.merging_rules import MERGING_RULES_PROJECTION
from contacts.read_models.own_fields import OWN_FIELDS_PROJECTION
from contacts.read_models.past_people import PAST_PEOPLE_PROJECTION
from contacts.read_models.people import PEOPLE_PROJECTION
from contacts.read_models.person_record import PERSON_RECORD_PROJECTION
from contacts.read_models.purchase_totals import PURCHASE_TOTALS_PROJECTION
from contacts.read_models.purchases import PURCHASES_PROJECTION
from contacts.read_models.retention_rules import RETENTION_RULES_PROJECTION
from contacts.read_models.saved_views import SAVED_VIEWS_PROJECTION
from contacts.read_models.search import SEARCH_PROJECTION
from contacts.read_models.segment_members import SEGMENT_MEMBERS_PROJECTION
from contacts.read_models.segments import SEGMENTS_PROJECTION
from contacts.read_models.survivors import SURVIVORS_PROJECTION
from contacts.read_models.tags import TAGS_PROJECTION
from contacts.read_models.timeline import TIMELINE_PROJECTION
from contacts.read_models.told_apart import TOLD_APART_PROJECTION
from contacts.read_models.traits import TRAITS_PROJECTION
from contacts.received import RECEIVED
from contacts.retention import RETENTION_KIND
from contacts.segmenting.keeper import keep_segments
from contacts.segmenting.store import SEGMENTING_SCHEMA

MANIFEST = Manifest(
    "contacts",
    deciders=(
        PERSON,
        COMPANY,
        PURCHASE,
        MERGING_RULE,
        SEGMENT,
        MEMBERSHIP,
        SAVED_VIEW,
        DEFAULT_VIEW,
        OWN_FIELD,
        EXPORT,
        RETENTION_RULE,
    ),
    projections=(
        PEOPLE_PROJECTION,
        PAST_PEOPLE_PROJECTION,
        PERSON_RECORD_PROJECTION,
        COMPANIES_PROJECTION,
        HEADCOUNTS_PROJECTION,
        SURVIVORS_PROJECTION,
        LIKENESSES_PROJECTION,
        TOLD_APART_PROJECTION,
        MERGING_RULES_PROJECTION,
        SEARCH_PROJECTION,
        TAGS_PROJECTION,
        PURCHASES_PROJECTION,
        PURCHASE_TOTALS_PROJECTION,
        TIMELINE_PROJECTION,
        KNOWN_USERS_PROJECTION,
        KNOWN_API_TOKENS_PROJECTION,
        KNOWN_WORKSPACES_PROJECTION,
        KNOWN_DEALS_PROJECTION,
        KNOWN_BROADCASTS_PROJECTION,
        TRAITS_PROJECTION,
        DEAL_STANDINGS_PROJECTION,
        SEGMENTS_PROJECTION,
        SEGMENT_MEMBERS_PROJECTION,
        SAVED_VIEWS_PROJECTION,
        OWN_FIELDS_PROJECTION,
        CONSENT_LEDGER_PROJECTION,
        EXPORTS_PROJECTION,
        RETENTION_RULES_PROJECTION,
    ),
    received=RECEIVED,
    routers=(
        overview.router,  # first: /contacts/summary is no person
        duplicates.router,  # neither is /contacts/duplicates
        bulk.router,  # nor /contacts/bulk
        saved_views.router,  # nor /contacts/views
        own_fields.router,  # nor /contacts/fields
        people.router,
        person_parts.router,
        erasures.router,
        access_export.router,
        merges.router,
        purchases.of_person,
        purchases.router,
        segments.router,
        segments.of_person,
        companies.router,
        changes.router,
        diffs.router,
        consents.router,
        exports.router,
        breach.router,
        retention.router,
        import_router(KINDS),
    ),
    workers=(
        import_worker(KINDS),
        import_worker((BULK_KIND,), "change_many"),
        import_worker((RETENTION_KIND,), "erase_by_rules"),
        find_duplicates,
        keep_segments,
    ),
    follows=("user", "deal", "broadcast", "message", "recipient"),
    schema=IMPORT_SCHEMA + DUPLICATES_SCHEMA + SEGMENTING_SCHEMA,
)
