"""Reads misspelt words as the known ones they are close to, and says so. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from contacts.domain.country import NAMES, country_code
from contacts.domain.words import folded

SECTORS = (
    "agriculture", "automotive", "banking", "chemicals", "construction", "consulting",
    "consumer goods", "education", "electronics", "employment", "energy", "entertainment",
    "fashion", "finance", "food", "government", "healthcare", "hospitality", "insurance", "legal",
    "logistics", "manufacturing", "marketing", "media", "medical", "mining", "non-profit",
    "pharmaceuticals", "publishing", "real estate", "recruiting", "retail", "security", "services",
    "software", "sports", "technology", "telecommunications", "tourism", "transportation",
    "utilities", "wholesale",
)  # fmt: skip
"""What most businesses call their sectors."""

_SHORTEST = 5
_LETTERS_PER_SLIP = 6
_SLIPS_MOST = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """How a word was read; `note` says so if it was not read as it is written."""

    word: str
    note: str | None = None


class Vocabulary:
    """Known words of one kind.

    An unknown word is read as the known one that is a slip away (or two, if it is long), unless
    several are as close. One that is known in another case takes the known spelling.
    """

    def __init__(self, kind: str, known: Iterable[str]) -> None:
        self._kind = kind
        self._known: dict[str, str] = {}
        for word in known:
            self._known.setdefault(folded(word), word)
        self._words = list(self._known)
        self._read: dict[str, Reading] = {}

    def read(self, word: str) -> Reading:
        """The word as it is meant."""
        if word not in self._read:
            meant = self._meant(folded(word))
            right = self._known[meant] if meant is not None else word
            note = f"{self._kind} {word} read as {right}" if right != word else None
            self._read[word] = Reading(right, note)
        return self._read[word]

    def _meant(self, word: str) -> str | None:
        if word in self._known:
            return word
        slips = min(_SLIPS_MOST, max(1, len(word) // _LETTERS_PER_SLIP))
        if len(word) < _SHORTEST:
            return None
        close = process.extract(word, self._words, scorer=OSA.distance, score_cutoff=slips, limit=2)
        if not close or (len(close) > 1 and close[0][1] == close[1][1]):
            return None
        return str(close[0][0])


def often_used(words: Iterable[str], least: int = 3) -> Sequence[str]:
    """The words that a file uses often, in the spelling it uses most, the most frequent first.

    One that is close to a more frequent one is left out: it is that one, misspelt.
    """
    counts = Counter(words)
    by_fold: dict[str, Counter[str]] = {}
    for word, count in counts.items():
        by_fold.setdefault(folded(word), Counter())[word] += count
    ranked = sorted(by_fold.values(), key=lambda spellings: -spellings.total())
    kept: list[str] = []
    for spellings in ranked:
        word = spellings.most_common(1)[0][0]
        if spellings.total() >= least and Vocabulary("", kept).read(word).note is None:
            kept.append(word)
    return kept


def sectors(in_workspace: Iterable[str], in_file: Iterable[str]) -> Vocabulary:
    """The sectors a file can mean: the workspace's, the usual ones, the file's own."""
    known = [*in_workspace, *SECTORS]
    usual = Vocabulary("", known)
    own = [word for word in often_used(in_file) if usual.read(word).note is None]
    return Vocabulary("sector", [*known, *own])


class Countries:
    """Reads countries: any name or code that is known stays as it is written."""

    def __init__(self) -> None:
        self._vocabulary = Vocabulary("country", NAMES.values())

    def read(self, word: str) -> Reading:
        """The country as it is meant; a name or a code that is known stands for itself."""
        return Reading(word) if country_code(word) else self._vocabulary.read(word)
