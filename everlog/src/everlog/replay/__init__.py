"""Questions to the whole log: SQL, and projections of an analyst's own. Reads only."""
