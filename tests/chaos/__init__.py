"""Faults of every kind under load, and a ledger outside that knows what was promised."""
