"""The words of a UVL file, with its lines and indentation as tokens of their own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.customisation.services.uvl.faults import Place, refuse

LARGEST = 5_000_000
TAB = 8
WORD = r"[^\W\d][\w#§%?\\]*"
TOKEN = re.compile(
    rf"""(?P<blank>[ \t\f\r]+)|(?P<comment>//[^\n]*)|(?P<block>/\*.*?\*/)|(?P<end>\n)|(?P<word>{WORD})|"(?P<quoted>[^"\n]+)"|'(?P<text>[^'\n]*)'"""
    r"|(?P<number>\d+(?:\.\d+)?(?![\w]))|(?P<sign><=>|=>|==|!=|<=|>=|\.\.|[-+*/!&|<>(){}\[\],.])",
    re.DOTALL,
)
OPENING, CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Token:
    """kind: word, quoted, text, number, sign, line (the end of one), in, out (of an indentation), end (of the file)."""

    kind: str
    said: str
    place: Place

    def is_sign(self, *signs: str) -> bool:
        """Whether it is one of these signs."""
        return self.kind == "sign" and self.said in signs

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words, without quotation marks."""
        return self.kind == "word" and self.said in words


def tokens(text: str, file: str = "") -> Iterator[Token]:
    """The tokens of a file. Raises `Refused`."""
    if len(text) > LARGEST:
        raise refuse(Place(line=1, column=1, file=file), "syntax", "", _("The file is larger than {size} MB.").format(size=LARGEST // 1_000_000))
    return _laid_out(_plain(text.removeprefix("\ufeff"), file), file)


def _plain(text: str, file: str) -> Iterator[tuple[Token, int]]:
    """The tokens and how far each is indented, with an end for each line."""
    at, line, start, depth = 0, 1, 0, 0
    while at < len(text):
        found = TOKEN.match(text, at)
        place = Place(line=line, column=at - start + 1, file=file)
        if found is None:
            raise refuse(place, "syntax", text[at], _unread(text, at))
        kind = str(found.lastgroup)
        said = found.group(kind)
        if kind == "sign":
            depth = max(0, depth + (said in OPENING) - (said in CLOSING))
        if kind == "end":
            if not depth:
                yield Token("line", "", place), 0
            line, start = line + 1, found.end()
        elif kind == "block" and "\n" in said:
            line, start = line + said.count("\n"), found.start() + said.rindex("\n") + 1
        elif kind not in ("blank", "comment", "block"):
            yield Token(kind, said, place), len(text[start:at].expandtabs(TAB))
        at = found.end()
    yield Token("line", "", Place(line=line, column=at - start + 1, file=file)), 0


def _unread(text: str, at: int) -> str:
    rest = re.match(r"\d[\w.]*", text[at:])
    if rest is not None:
        return _("“{word}” is neither a number nor a name: a name begins with a letter.").format(word=rest.group())
    if text[at] in "'\"":
        return _("The quotation mark is not closed.")
    return _("“{word}” has no meaning here.").format(word=text[at])


def _laid_out(found: Iterator[tuple[Token, int]], file: str) -> Iterator[Token]:
    depths = [0]
    fresh, last = True, Place(line=1, column=1, file=file)
    for token, indented in found:
        last = token.place
        if token.kind == "line":
            if not fresh:
                yield token
            fresh = True
            continue
        if fresh:
            yield from _steps(token.place, depths, indented)
        fresh = False
        yield token
    for _depth in depths[1:]:
        yield Token("out", "", last)
    yield Token("end", "", last)


def _steps(place: Place, depths: list[int], indented: int) -> Iterator[Token]:
    if indented > depths[-1]:
        depths.append(indented)
        yield Token("in", "", place)
        return
    while indented < depths[-1]:
        depths.pop()
        yield Token("out", "", place)
    if indented != depths[-1]:
        raise refuse(place, "syntax", "", _("This line is indented like none above it."))
