"""PostgreSQL and Kafka without Docker: fetched once, pinned, started and stopped by Everlog."""
