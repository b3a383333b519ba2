"""The web UI: pages rendered here, data from the public API alone."""

from gateway.web.site import mount

__all__ = ["mount"]
