"""Every port in memory, for tests and simulations; the real ones keep the same contracts."""
