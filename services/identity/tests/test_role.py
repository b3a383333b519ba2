"""Roles give what they say and nothing else."""

from __future__ import annotations

import pytest

from chassis.errors import BadInput
from chassis.http import principal
from identity.domain import role
from identity.domain.role import PERMISSIONS, ROLES, role_of


def test_an_administrator_may_do_everything_and_sees_all() -> None:
    administrator = ROLES["administrator"]
    assert administrator.permissions == frozenset(PERMISSIONS)
    assert administrator.sees == principal.ALL


def test_a_sales_representative_sees_their_own_and_runs_nothing() -> None:
    sales = ROLES["sales_representative"]
    assert sales.sees == principal.OWN
    beyond = {"campaigns.write", "events.read", "ops", "identity.manage", "settings.write"}
    assert sales.permissions == frozenset(PERMISSIONS) - beyond


def test_a_marketing_manager_reads_no_record() -> None:
    marketing = ROLES["marketing_manager"]
    assert marketing.sees == principal.AGGREGATE
    assert not {p for p in marketing.permissions if p.startswith(("contacts.", "deals."))}


def test_what_roles_see_is_named_as_the_services_check_it() -> None:
    assert (role.ALL, role.OWN, role.AGGREGATE) == (
        principal.ALL,
        principal.OWN,
        principal.AGGREGATE,
    )


def test_unknown_roles_are_refused_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="sales_representative"):
        role_of("boss")
