"""One file per KPI: its declaration, pure."""
