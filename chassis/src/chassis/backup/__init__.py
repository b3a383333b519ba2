"""Backups of the event stores and of what cannot be rebuilt from them; and stores from Kafka."""
