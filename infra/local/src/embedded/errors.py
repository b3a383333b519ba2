"""What goes wrong on an operator's machine: a sentence on what happened and one on what to do."""

from __future__ import annotations


class Trouble(Exception):
    """Something the operator has to act on: `advice` says how, `detail` holds telling output."""

    def __init__(self, what: str, advice: str = "", detail: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.detail = detail
