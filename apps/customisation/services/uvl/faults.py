"""Why a UVL file is refused: each reason with its line and column."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: line and column from 1, and the file among the imported ones (empty: the file itself)."""

    line: int
    column: int
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One reason. code: `syntax`, `unknown`, `repeated`, `unsaid` (UVL says it, we cannot), `import`; word: the word that it is about."""

    place: Place
    code: str
    word: str
    sentence: str


class Refused(ValueError):
    """A file that cannot be read, with every reason that was found."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.place.line}:{fault.place.column} {fault.sentence}" for fault in faults))
        self.faults = faults


def refuse(place: Place, code: str, word: str, sentence: str) -> Refused:
    """A refusal for one reason."""
    return Refused(Fault(place=place, code=code, word=word, sentence=sentence))
