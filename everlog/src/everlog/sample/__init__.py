"""The sample workspace: a growing bookshop with eighteen lively months behind it."""

from everlog.sample.loading import load

__all__ = ["load"]
