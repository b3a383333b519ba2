"""Faults of every kind under load, and a ledger outside that knows what was promised."""

import pytest

pytest.register_assert_rewrite("tests.chaos.reckoning")  # so that a failure tells the difference
