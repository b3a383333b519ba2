"""Identity over HTTP: commands in, answers out; no rules here."""
