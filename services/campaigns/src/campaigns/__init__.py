"""Templates, broadcasts and the ledger of what was sent."""
