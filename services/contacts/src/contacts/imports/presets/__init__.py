"""What exports of other systems look like: one file per kind of record. Pure data."""
