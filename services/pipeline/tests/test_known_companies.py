"""What is a company's name, and which companies have a given name?"""

from __future__ import annotations

from chassis.testing.projections import History, project
from pipeline.read_models.known_companies import KNOWN_COMPANIES, KNOWN_COMPANIES_TABLE
from pipeline.received import CompanyAdded, CompanyRenamed
from pipeline.testing.lives import ACME, on


def test_a_company_goes_by_the_latest_name() -> None:
    book = History()
    added = CompanyAdded(company_id=ACME, name="Acme", occurred_at=on(1))
    renamed = CompanyRenamed(company_id=ACME, name="ACME Ltd.", occurred_at=on(2))
    rows = project(
        KNOWN_COMPANIES, book.add("company", ACME, added), book.add("company", ACME, renamed)
    )
    assert rows[KNOWN_COMPANIES_TABLE] == [
        {"company_id": ACME, "name": "ACME Ltd.", "name_folded": "acme ltd."}
    ]
