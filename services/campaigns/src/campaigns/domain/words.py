"""Words that people give things: there, short enough, and such that a database can keep them."""

from __future__ import annotations

from chassis.errors import BadInput


def checked(part: str, text: str, most: int) -> str:
    """The text without outer blanks. Raises BadInput; `part` is the field it came in."""
    if not text.strip():
        raise BadInput(f"The {part} is empty. Write one.", pointer=f"#/{part}")
    if len(text) > most:
        raise BadInput(
            f"The {part} has {len(text)} characters; at most {most} are possible. Shorten it.",
            pointer=f"#/{part}",
        )
    if "\0" in text:
        raise BadInput(f"The {part} holds the character U+0000. Remove it.", pointer=f"#/{part}")
    return text.strip()
