"""A change of what is agreed, as long as it waits: which lines, from what to what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.documents.selectors.reading import Whole
from apps.documents.selectors.telling import Terms, changes
from apps.documents.vocabulary import LIFE, changed_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """A line of which a change waits: what is agreed, what the buyer asks, what the seller offers (None: nothing yet). words: how the newest differs."""

    line: int
    agreed: Terms
    asked: Terms
    offered: Terms | None
    words: Sequence[str]

    @property
    def newest(self) -> Terms:
        """What would be agreed."""
        return self.asked if self.offered is None else self.offered


def change_number(head: Mapping[str, Any]) -> int:
    """The sequence number of the last change that the buyer asked of a document (Peppol 65, SequenceNumberID); 0 where there was none."""
    return int(head["details"].get(LIFE, {}).get("sequence", 0))


def changing(whole: Whole) -> list[Changing]:
    """The lines of which a change waits; empty where none does."""
    waiting = changed_lines(whole.head["details"])
    return [_changing(line) for line in whole.lines if line["position"] in waiting]


def waiting_lines(whole: Whole) -> list[Mapping[str, Any]]:
    """The lines that are to be answered: those of which a change waits, or all of them."""
    waiting = changed_lines(whole.head["details"])
    return [line for line in whole.lines if not waiting or line["position"] in waiting]


def _changing(line: Mapping[str, Any]) -> Changing:
    agreed, asked = _terms(line, "agreed", line["agreed_price"]), _terms(line, "requested", line["price"])
    offered = _terms(line, "offered", line["offered_price"]) if line["response"] else None
    newest = asked if offered is None else offered
    response = line["response"] if line["response"] == "reject" else "cancel" if not newest.dates and agreed.dates else "change"
    return Changing(line=line["position"], agreed=agreed, asked=asked, offered=offered, words=changes(response, agreed, newest, line["substitute"]))


def _terms(line: Mapping[str, Any], kind: str, price: Decimal | None) -> Terms:
    return Terms(line["unit"], price, tuple((each["quantity"], each["due_on"]) for each in line["schedules"].get(kind) or ()))
