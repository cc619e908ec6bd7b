"""What a filled table says: each document's answers as the ordinary move takes them, or what is wrong with each row and what would mend it."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.base.findings import Invalid
from apps.base.models import new_id
from apps.documents import models, selectors
from apps.documents.selectors import Asked
from apps.documents.selectors.bulking import TOGETHER
from apps.documents.services import wording
from apps.documents.services.folding import Line, Offer, Schedule
from apps.documents.services.sheeting import FILLED, Row, Sheeted, Wrong, answer_of, day_of, number_of
from apps.documents.vocabulary import DocumentType, Move

Seen = Callable[[int], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What is to be said of one document. version: the one that was compared; data: the move's own fields; rows: where in the table it stands."""

    document: uuid.UUID
    number: str
    version: int
    data: Mapping[str, Any]
    rows: Sequence[int]


@dataclass(slots=True, kw_only=True)
class Checked:
    """A table that was compared with the documents. left_out: rows of documents of which nothing is answered."""

    plan: list[Filled] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    left_out: int = 0


class Stopped(Exception):
    """Somebody said stop."""


def check(document_type: DocumentType, move: Move, table: Sheeted, *, seen: Seen = lambda rows: False) -> Checked:
    """Compare a table with the documents of this home. seen: is told how many rows are done, and says whether to stop. Raises Stopped."""
    found = Checked(wrong=list(table.wrong))
    documents = _Documents(document_type, move, table.rows, found.wrong)
    unsound = {each.row for each in table.wrong}
    done = 0
    for asked, rows in documents.found():
        done += len(rows)
        if seen(done):
            raise Stopped
        if not any(_is_filled(values) or number in unsound for number, values in rows):
            found.left_out += len(rows)
            continue
        one = _One(document_type, move, asked, rows, decimal_comma=table.decimal_comma)
        found.wrong += [each for each in one.wrong if each.row not in unsound]
        if one.sound and unsound.isdisjoint(number for number, _values in rows):
            found.plan.append(one.filled())
    found.wrong.sort(key=lambda each: each.row)
    return found


def _is_filled(values: Mapping[str, str]) -> bool:
    return any(values.get(name) for name in FILLED)


class _Documents:
    """The documents that rows name: by their id, else by their number. What names none, or several, is told at its rows."""

    def __init__(self, document_type: DocumentType, move: Move, rows: Sequence[Row], wrong: list[Wrong]) -> None:
        self.mine = models.Document.objects.filter(type=document_type.code, side__in=move.sides).exclude(own_said=0, partner_said=0)
        self.wrong = wrong
        named = {values.get("document", "") for _number, values in rows} - {""}
        self.ids = {text: key for text in named if (key := _uuid(text)) is not None}
        by_number: dict[str, list[uuid.UUID]] = defaultdict(list)
        numbers = {values.get("number", "") for _number, values in rows if not values.get("document")} - {""}
        for key, number in self.mine.filter(number__in=numbers).values_list("id", "number"):
            by_number[number].append(key)
        self.by_number = by_number
        self.known = set(self.mine.filter(pk__in=self.ids.values()).values_list("id", flat=True))
        self.rows: dict[uuid.UUID, list[Row]] = defaultdict(list)
        for place, values in rows:
            if (key := self._key(place, values)) is not None:
                self.rows[key].append((place, values))

    def _key(self, row: int, values: Mapping[str, str]) -> uuid.UUID | None:
        text, number = values.get("document", ""), values.get("number", "")
        keys = [key for key in [self.ids.get(text)] if key in self.known and key] if text else self.by_number.get(number, [])
        if len(keys) == 1:
            return keys[0]
        if not _is_filled(values):
            return None
        if not text and not number:
            self.wrong.append(Wrong(row, "number", "required", _("Say which order, by its number.")))
        elif keys:
            told = _("Several customers have an order “%(number)s”. Fill in the column “Order ID” from the table that you downloaded.")
            self.wrong.append(Wrong(row, "document", "ambiguous", told % {"number": number[:60]}))
        else:
            told = _("There is no order “%(number)s” that you could answer. Compare the number with the table that you downloaded.")
            self.wrong.append(Wrong(row, "number", "missing", told % {"number": (number or text)[:60]}))
        return None

    def found(self) -> Any:
        """Each document with its rows, in the order of the table."""
        keys = list(self.rows)
        for start in range(0, len(keys), TOGETHER):
            asked = {one.head["id"]: one for one in selectors.asked(self.mine.filter(pk__in=keys[start : start + TOGETHER]))}
            for key in keys[start : start + TOGETHER]:
                if key in asked:
                    yield asked[key], self.rows[key]


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


class _One:
    """The rows of one document. wrong: what is wrong with them."""

    def __init__(self, document_type: DocumentType, move: Move, asked: Asked, rows: Sequence[Row], *, decimal_comma: bool) -> None:
        self.type, self.move, self.asked, self.rows, self.decimal_comma = document_type, move, asked, rows, decimal_comma
        self.wrong: list[Wrong] = []
        self.places: dict[str, tuple[int, str]] = {}
        self.data: dict[str, Any] = {}
        if self._is_open() and self._is_fresh():
            self._read()

    @property
    def sound(self) -> bool:
        return not self.wrong

    def filled(self) -> Filled:
        head = self.asked.head
        rows = [number for number, _values in self.rows]
        return Filled(document=head["id"], number=head["number"], version=head["version"], data=self.data, rows=rows)

    def _tell(self, row: int, column: str, code: str, detail: str) -> None:
        self.wrong.append(Wrong(row, column, code, detail))

    def _is_open(self) -> bool:
        head = self.asked.head
        if self.type.allows(self.move, state=head["state"], side=head["side"]):
            return True
        told = _("The order is “%(state)s” now: it waits for no answer of yours. Take its rows out.") % {"state": self.type.state(head["state"]).label}
        self._tell(self.rows[0][0], "number", "state", told)
        return False

    def _is_fresh(self) -> bool:
        """Whether nothing was moved since the table was downloaded."""
        for row, values in self.rows:
            text = values.get("version", "")
            if not (text.isascii() and text.isdecimal() and len(text) < 10):
                if _is_filled(values):
                    self._tell(row, "version", "version", _("The version is missing, or no whole number. Copy it from the table that you downloaded."))
            elif int(text) != self.asked.head["version"] and selectors.moved_since({self.asked.head["id"]: int(text)}):
                told = _("The order has changed since you downloaded it. Download it anew, and answer what it asks now.")
                self._tell(row, "version", "changed", told)
                return False
        return not self.wrong

    def _read(self) -> None:
        by_line = self._by_line()
        lines = [self._answer(index, rows) for index, rows in enumerate(by_line.values())]
        answers = [answer for answer in lines if answer is not None]
        self._need_all(set(by_line))
        if self.sound:
            self._compare(answers)
            self.data = {"lines": answers}

    def _by_line(self) -> dict[int, list[Row]]:
        """The rows of each line that is to be answered, or is answered."""
        known = {line.position for line in self.asked.lines}
        waiting = {line.position for line in self.asked.waiting}
        found: dict[int, list[Row]] = defaultdict(list)
        for row, values in self.rows:
            text = values.get("line", "")
            position = int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0
            if position in waiting or (position in known and _is_filled(values)):
                found[position].append((row, values))
            elif position not in known:
                self._tell(row, "line", "line", _("The order has no line “%(line)s”.") % {"line": text[:20]})
        return found

    def _need_all(self, given: set[int]) -> None:
        missing = [line.position for line in self.asked.waiting if line.position not in given]
        if missing:
            told = ngettext(
                "An order is answered whole: line %(lines)s is not in the table.",
                "An order is answered whole: lines %(lines)s are not in the table.",
                len(missing),
            )
            shown = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")
            self._tell(self.rows[0][0], "line", "incomplete", told % {"lines": shown})

    def _answer(self, index: int, rows: list[Row]) -> dict[str, Any] | None:
        """What is answered to a line, as the move takes it; None where that cannot be said."""
        row, values = rows[0]
        position = int(values["line"])
        dates = next(len(line.dates) for line in self.asked.lines if line.position == position)
        for place, (other, more) in enumerate(rows[1:], start=1):
            # Whoever fills a column down says the same again for each date that is asked: that is no second answer.
            again = place < dates and answer_of(more.get("answer", "")) == answer_of(values.get("answer", ""))
            if more.get("answer") and not again:
                told = _("Line %(line)d is answered on row %(row)d already. A further date of it has no answer of its own: leave that cell empty.")
                self._tell(other, "answer", "twice", told % {"line": position, "row": row})
        text = values.get("answer", "")
        response = answer_of(text)
        if response is None:
            self._tell(row, "answer", "response" if text else "required", self._no_answer(text, rows))
            return None
        self._place(index, rows)
        answer: dict[str, Any] = {"line": position, "response": response, "reason": values.get("reason", "")}
        offered = [each for each in rows if any(each[1].get(name) for name in ("quantity", "due_on"))]
        if response in ("accept", "reject") and (offered or values.get("price")):
            column = next((name for name in ("quantity", "due_on", "price") if rows[0][1].get(name)), "answer")
            self._tell(
                row, column, "contradiction", _("Whoever accepts or rejects offers nothing else: write “change”, or leave quantity, date and price empty.")
            )
            return None
        if response == "change" and not offered and not values.get("price"):
            self._tell(row, "quantity", "required", _("Say what is to be otherwise: a quantity, a date or a price. Or write “accept”."))
            return None
        if values.get("price"):
            answer["price"] = number_of(values["price"], decimal_comma=self.decimal_comma)
        if offered:
            answer["schedules"] = self._schedules(index, position, rows, offered)
        return answer

    def _no_answer(self, text: str, rows: list[Row]) -> str:
        if text:
            return _("“%(value)s” is no answer. Write accept, change, reject or backorder.") % {"value": text[:40]}
        if any(_is_filled(values) for _row, values in rows):
            return _("Something is offered here, and no answer given. Write change (or accept, reject, backorder) on the line's first row.")
        return _("This line is not answered, and others of its order are. An order is answered whole: write accept, change, reject or backorder.")

    def _schedules(self, index: int, position: int, rows: list[Row], offered: list[Row]) -> list[dict[str, Any]]:
        """The dates that are offered. What a row leaves out is as it is asked there."""
        dates = next(line.dates for line in self.asked.lines if line.position == position)
        made: list[dict[str, Any]] = []
        for row, values in offered:
            place = next(at for at, each in enumerate(rows) if each[0] == row)
            quantity, due_on = dates[place] if place < len(dates) else (None, None)
            at = f"/lines/{index}/schedules/{len(made)}"
            self.places |= {f"{at}/quantity": (row, "quantity"), f"{at}/due_on": (row, "due_on"), at: (row, "quantity")}
            text, day = values.get("quantity", ""), values.get("due_on", "")
            asked = "" if quantity is None else format(quantity, "f")
            made.append(
                {"quantity": number_of(text, decimal_comma=self.decimal_comma) or asked, "due_on": day_of(day) or (due_on.isoformat() if due_on else "")}
            )
        return made

    def _place(self, index: int, rows: list[Row]) -> None:
        at, row = f"/lines/{index}", rows[0][0]
        names = {"": "answer", "/line": "line", "/response": "answer", "/price": "price", "/reason": "reason", "/schedules": "quantity"}
        self.places |= {f"{at}{name}": (row, column) for name, column in names.items()}

    def _compare(self, answers: list[dict[str, Any]]) -> None:
        """Read the answers as the move itself will, without making it."""
        lines = [
            Line(new_id(), line.position, line.quantity, line.unit, line.price, [Schedule(new_id(), quantity, due_on) for quantity, due_on in line.dates])
            for line in self.asked.lines
        ]
        try:
            read = wording.read_answers(answers, lines, among=self.asked.changed or None)
        except Invalid as refused:
            for finding in refused:
                self._tell(*self.places.get(finding.pointer, (self.rows[0][0], "answer")), finding.code, finding.detail)
            return
        for index, answer in enumerate(answers):
            self._need_change(index, answer, read.get(answer["line"]))

    def _need_change(self, index: int, answer: Mapping[str, Any], offer: Offer | None) -> None:
        if answer["response"] == "change" and offer is not None and offer.response == "accept":
            row, _column = self.places[f"/lines/{index}"]
            self._tell(row, "quantity", "same", _("This is what is asked: nothing is changed. Write “accept”, or another quantity, date or price."))
