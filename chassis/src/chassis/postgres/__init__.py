"""The real PostgreSQL behind the ports: the log, the outbox, lanes, read models."""
