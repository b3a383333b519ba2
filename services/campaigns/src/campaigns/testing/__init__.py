"""Stand-ins for what other services tell campaigns, for its tests."""
