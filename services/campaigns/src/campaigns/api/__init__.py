"""Campaigns over HTTP: commands and queries in, answers out; no rules here."""
