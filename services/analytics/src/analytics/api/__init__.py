"""HTTP in, figures out; no rules."""
