"""Finding duplicates among a workspace's people, all at once and as they change."""
