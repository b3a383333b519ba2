"""A person the business knows: who it is, how to reach them, what was said, what they agreed to.

Pure: no I/O, no clock, no random. Times and ids arrive inside the command.
"""

from contacts.domain.person.decide import PERSON

__all__ = ["PERSON"]
