"""People who do not exist, for tests and measurements."""
