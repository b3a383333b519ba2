"""Facts, KPIs and the live stream."""
