"""The edge: authenticate, route, compose; the web UI and the public API."""
