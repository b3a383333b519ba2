"""HTTP in, command or query out. No rules here."""
