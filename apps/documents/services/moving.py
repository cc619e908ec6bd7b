"""The verbs of documents: the only place where a state is written."""

import contextlib
import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.base import acting, announcing, fields
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid, refuse
from apps.base.models import Batch
from apps.catalog import selectors as catalog
from apps.documents import models
from apps.documents.services import counting, folding, guarding, storing, wording
from apps.documents.services.folding import Content, NotAllowed, Said
from apps.documents.services.wording import Reader
from apps.documents.types import TYPES
from apps.documents.vocabulary import OTHER, DocumentType, Move, changed_lines
from apps.network import selectors as network


class NoSuchDocument(Exception):
    """There is no such document, as far as this enterprise may know."""


class MayNot(Exception):
    """The actor lacks the permission. `permission`: its code name."""

    def __init__(self, permission: str) -> None:
        super().__init__(
            _("You may not do this: your role lacks “%(permission)s”. An administrator of your enterprise can give it to you.") % {"permission": permission}
        )
        self.permission = permission


class Stale(Exception):
    """The document has changed since the caller read it. `version`: the present one."""

    def __init__(self, version: int) -> None:
        super().__init__(_("The document has changed since you read it. Read it again, and decide anew."))
        self.version = version


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """News: a document of this home was moved.

    content: what holds now, where the move touched it; not to be changed. items: one's own items of lines that are new, by their position.
    body: what crosses to the partner, or None where nothing does. inline: he takes it in within this very transaction. alone: nothing can lie
    beside the document yet.
    """

    document: models.Document
    document_type: DocumentType
    step: models.Step
    body: Mapping[str, Any] | None
    content: Content | None = None
    items: Mapping[int, uuid.UUID | None] = field(default_factory=dict)
    inline: bool = False
    alone: bool = False


def draft(*, type: str, partner: str, number: str, currency: str, lines: Any, note: str = "", issued_on: Any = None, details: Mapping[str, Any] | None = None,
          by: Actor, at: dt.datetime, lenient: bool = False) -> models.Document:  # fmt: skip
    """Write a new document at home, in its first state; the partner hears nothing until it is published.

    partner: the slug of the other side. lines: as in the contract. lenient: the input is a standard message, which may lack
    dates and known items. Raises Invalid with every finding, MayNot.
    """
    document_type = TYPES[type]
    _need(by, f"{type}.draft")
    given = {"number": number, "currency": currency, "lines": lines, "note": note, "issued_on": issued_on, "details": details}
    row, content, items = _written(document_type, partner, given, at=at, lenient=lenient)
    with _number_once(content):
        step = storing.create(row, content, items, before="", made=storing.made_by(by, at=at, move="draft"))
        announcing.announce(Moved(document=row, document_type=document_type, step=step, content=content, items=items, body=None))
    return row


Noted = Callable[[models.Document, Mapping[int, uuid.UUID | None], Batch], None]


def say(*, type: str, move: str, partner: str | uuid.UUID, number: str, currency: str, lines: Any, note: str = "", details: Mapping[str, Any] | None = None,
        by: Actor, at: dt.datetime, lenient: bool = False, inline: bool = False, noted: Noted | None = None,
        ) -> models.Document:  # fmt: skip
    """Write a document and say it to the partner at once: as draft() and the move that publishes it, in one step of the history.

    partner: his slug or his id. noted: adds rows that stand beside the document before the partner hears of it; called with the document, one's
    own items by line, and the batch. Raises what draft() and apply() raise; the caller then lets the whole transaction, or his savepoint, go.
    """
    document_type = TYPES[type]
    declared = document_type.find_move(move)
    if declared is None or declared.effect != "ask" or document_type.draft not in declared.before:
        raise ValueError(f"{type}.{move} does not publish a draft")
    _need(by, f"{type}.draft")
    _need(by, f"{type}.{move}")
    given = {"number": number, "currency": currency, "lines": lines, "note": note, "issued_on": None, "details": details}
    row, content, items = _written(document_type, partner, given, at=at, lenient=lenient, tried=True)
    with _number_once(content, savepoint=False):
        data = _read_data(document_type, declared, content, {}, lenient=lenient)
        after = folding.apply(document_type, content, Said(move=move, side=row.side, said=1, seen=0, data=data))
        made = storing.made_by(by, at=at, move=move, said=1, seen=0, data=wording.write(declared.effect, data))
        batch = Batch()
        if noted is not None:
            noted(row, items, batch)
        step = storing.create(row, after, items, before=document_type.draft, made=made, batch=batch)
        body = body_of(row, step)
        announcing.announce(Moved(document=row, document_type=document_type, step=step, content=after, items=items, body=body, inline=inline, alone=True))
    return row


def _written(document_type: DocumentType, partner: str | uuid.UUID, given: Mapping[str, Any], *, at: dt.datetime, lenient: bool,
             tried: bool = False) -> tuple[models.Document, Content, dict[int, uuid.UUID | None]]:  # fmt: skip
    """A new document, its content, and one's own items by line; nothing is written yet. tried: whether its number is taken shows when it is written."""
    partner_id, content = _read_draft(document_type, partner, given, today=at.date(), lenient=lenient, tried=tried)
    items = _match(content, side=document_type.issuer, partner_id=partner_id, lenient=lenient)
    row = models.Document(type=document_type.code, side=document_type.issuer, partner_id=partner_id, issuer_id=acting.home().id, seen_at=at)
    return row, content, items


@contextlib.contextmanager
def _number_once(content: Content, *, savepoint: bool = True) -> Iterator[None]:
    try:
        with transaction.atomic(savepoint=savepoint):
            yield
    except IntegrityError as error:
        raise _number_taken(content.number) from error


def revise(*, document: uuid.UUID, given: Mapping[str, Any], by: Actor, at: dt.datetime, version: int | None = None, lenient: bool = False) -> models.Document:
    """Replace the content of a draft. given: number, currency, note, details, lines as for draft(); what is absent stays."""
    with transaction.atomic():
        row, document_type = lock(document, version=version)
        _need(by, f"{row.type}.draft")
        if row.state != document_type.draft:
            raise _not_allowed(document_type, row, "revise")
        before = storing.load(row)
        now = {"number": before.number, "currency": before.currency, "note": before.note, "issued_on": before.issued_on, "details": before.details}
        known = [wording._write_line(line) for line in before.lines]
        content = read_content(document_type, given={**now, "lines": known, **given}, today=at.date(), lenient=lenient, own=row.pk)
        items = _match(content, side=row.side, partner_id=row.partner_id, lenient=lenient)
        made = storing.made_by(by, at=at, move="revise")
        storing.drop_lines(row)
        batch = Batch()
        storing.insert_lines(batch, row.pk, content.lines, items)
        step = storing.add_step(batch, row, before.state, content.state, made)
        storing.change_header(batch, row, content, made)
        batch.write()
        announcing.announce(Moved(document=row, document_type=document_type, step=step, content=content, items=items, body=None))
    return row


def _read_draft(document_type: DocumentType, partner: str | uuid.UUID, given: Mapping[str, Any], *, today: dt.date, lenient: bool,
                tried: bool) -> tuple[uuid.UUID, Content]:  # fmt: skip
    """Whom a draft is for, and what it says. Raises Invalid with what is wrong with either."""
    refused: list[Finding] = []
    try:
        partner_id = _partner(partner, document_type)
    except network.NoPartner as error:
        refused = refuse(f"/{OTHER[document_type.issuer]}", "partner", str(error)).findings
    try:
        content = read_content(document_type, given=given, today=today, lenient=lenient, tried=tried)
    except Invalid as error:
        raise Invalid([*refused, *error.findings]) from error
    if refused:
        raise Invalid(refused)
    return partner_id, content


def _partner(partner: str | uuid.UUID, document_type: DocumentType) -> uuid.UUID:
    if isinstance(partner, str):
        return network.agreed_partner(slug=partner, document_type=document_type.code)
    network.agreed(id=partner, document_type=document_type.code)
    return partner


def read_content(document_type: DocumentType, *, given: Mapping[str, Any], today: dt.date, lenient: bool = False, own: uuid.UUID | None = None,
                 tried: bool = False) -> Content:  # fmt: skip
    """An input as engine content in the type's first state. tried: its number is not looked for among the others. Raises Invalid with every finding."""
    reader = Reader(lenient=lenient)
    number = reader.text("/number", given.get("number"), 60, required=True)
    currency = reader.currency("/currency", given.get("currency")) if document_type.priced else ""
    issued_on = reader.take("/issued_on", fields.date, given["issued_on"], None) if given.get("issued_on") else today
    lines = wording.read_lines(reader, given.get("lines"), dated=document_type.dated)
    same = models.Document.objects.filter(type=document_type.code, issuer_id=acting.home().id, number=number)
    if number and not tried and (same.exclude(pk=own) if own else same).exists():
        reader.findings += _number_taken(number).findings
    note = reader.text("/note", given.get("note"), 4000)
    details = reader.bag("/details", given.get("details"))
    reader.done()
    return Content(state=document_type.draft, number=number, issued_on=issued_on, currency=currency, note=note, details=details, lines=lines)


def _match(content: Content, *, side: str, partner_id: uuid.UUID, lenient: bool) -> dict[int, uuid.UUID | None]:
    """Find one's own item for each line, and complete the line from it: the partner's number, GTIN, name."""
    wanted = [catalog.Wanted(key=line.position, own=_own(line, side), partners=_partners(line, side), gtin=line.gtin) for line in content.lines]
    matches = catalog.match(partner_id=partner_id, wanted=wanted)
    if not lenient:
        missing = [line for line in content.lines if matches[line.position] is None]
        if missing:
            reader = Reader()
            for line in missing:
                shown = _own(line, side) or _partners(line, side)
                reader.found(
                    f"/lines/{line.position - 1}/item", "item", _("You have no item “%(number)s”. Enter it among your items first.") % {"number": shown}
                )
            reader.done()
    for line in content.lines:
        if match := matches[line.position]:
            _complete(line, match, side)
    return {key: match.id if match else None for key, match in matches.items()}


def _own(line: folding.Line, side: str) -> str:
    return line.buyer_item if side == "buyer" else line.seller_item


def _partners(line: folding.Line, side: str) -> str:
    return line.seller_item if side == "buyer" else line.buyer_item


def _complete(line: folding.Line, match: catalog.Match, side: str) -> None:
    line.gtin, line.name = line.gtin or match.gtin, line.name or match.name
    if side == "buyer":
        line.buyer_item, line.seller_item = line.buyer_item or match.number, line.seller_item or match.partners
    else:
        line.seller_item, line.buyer_item = line.seller_item or match.number, line.buyer_item or match.partners


def _number_taken(number: str) -> Invalid:
    return refuse("/number", "number_taken", _("You have used the number “%(number)s” before. Every document needs its own.") % {"number": number})


def _need(by: Actor, permission: str) -> None:
    if not by.may(permission):
        raise MayNot(permission)


def lock(document: uuid.UUID, *, version: int | None = None) -> tuple[models.Document, DocumentType]:
    """The header row, locked until the transaction ends. Raises NoSuchDocument, Stale."""
    row = storing.locked(document)
    if row is None:
        raise NoSuchDocument
    if version is not None and version != row.version:
        raise Stale(row.version)
    return row, TYPES[row.type]


def apply(
    *,
    document: uuid.UUID,
    move: str,
    data: Mapping[str, Any] | None = None,
    by: Actor,
    at: dt.datetime,
    version: int | None = None,
    lenient: bool = False,
    inline: bool = False,
) -> models.Document:
    """Make a move on a document; where it concerns the partner, this is sending it.

    data: the move's own fields, as in the contract. version: the one that the caller has read (If-Match).
    Raises NoSuchDocument, MayNot, Stale, NotAllowed, Invalid, and whatever a reaction raises; then nothing has changed.
    """
    with transaction.atomic():
        row, document_type = lock(document, version=version)
        return _move(row, document_type, move, data or {}, before=None, by=by, at=at, lenient=lenient, inline=inline)


def reply(*, to: Moved, move: str, data: Mapping[str, Any] | None = None, by: Actor, at: dt.datetime) -> models.Document:
    """Make a move in reaction to news, on the document that was moved: it is locked, and its content known. Once, and before any other move on it.

    Raises what `apply` raises.
    """
    with transaction.atomic(savepoint=False):
        return _move(to.document, to.document_type, move, data or {}, before=to.content, by=by, at=at)


def _move(row: models.Document, document_type: DocumentType, move: str, data: Mapping[str, Any], *, before: Content | None, by: Actor, at: dt.datetime,
          lenient: bool = False, inline: bool = False) -> models.Document:  # fmt: skip
    """Make a move on a locked document. before: its content, where it is known already."""
    declared = document_type.find_move(move)
    if declared is not None and not declared.inner:
        # First of all: whoever may not do it is not told in what state the document is.
        _need(by, f"{row.type}.{move}")
    if declared is None or not document_type.allows(declared, state=row.state, side=row.side):
        raise _not_allowed(document_type, row, move)
    _need(by, f"{row.type}.{move}")
    before = before or storing.load(row)
    given = _read_data(document_type, declared, before, data, lenient=lenient)
    if declared.effect == "close":
        given["outcome"] = guarding.closing(row, before, given["reason"])
    said, after = folding.say(document_type, before, declared, given, side=row.side, own_said=row.own_said, partner_said=row.partner_said)
    guarding.need_room(row, document_type, declared, before, after, given)
    guarding.need_notice(row, document_type, declared, before, after, given, today=at.date())
    wire = wording.write(declared.effect, given)
    made = storing.made_by(by, at=at, move=move, said=said.said, seen=said.seen, data=wire)
    items = _fresh_items(row, before, after)
    step = storing.store(row, before, after, made, items=items)
    guarding.carry(row, document_type, before, after, step)
    counted = counting.count(row, document_type, before, after, step)
    body = body_of(row, step) if said.said else None
    announcing.announce(Moved(document=row, document_type=document_type, step=step, content=after, items=items, body=body, inline=inline))
    _tell_counted(counted, made)
    return row


def note_step(row: models.Document, made: storing.Made) -> None:
    """Write the step of something that leaves the state of a document as it is."""
    batch = Batch()
    step = storing.add_step(batch, row, row.state, row.state, made)
    row.updated_at = made.at
    storing.touch_header(batch, row, ["version", "updated_at", "seen_at"])
    batch.write()
    announcing.announce(Moved(document=row, document_type=TYPES[row.type], step=step, body=None))


def _tell_counted(counted: counting.Counted | None, made: storing.Made) -> None:
    """Announce what was counted, and say it in the history of each document on which it was: whoever looks at an order sees its goods come."""
    if counted is None:
        return
    announcing.announce(counted)
    for target in sorted({order for order, _line, _kind in counted.sums}):
        row = storing.locked(target)
        assert row is not None
        note_step(row, replace(made, id=None, move="count", said=0, seen=0, overruled=False, envelope=None, data=counting.told(counted, target)))


def _not_allowed(document_type: DocumentType, row: models.Document, move: str) -> NotAllowed:
    """The refusal, in a sentence that says what can be done instead."""
    declared = document_type.find_move(move)
    state = document_type.state(row.state)
    instead = [str(other.label) for other in document_type.moves_for(state=row.state, side=row.side) if not other.inner]
    sentence = _("“%(move)s” is not possible while the document is “%(state)s”.") % {"move": declared.label if declared else move, "state": state.label}
    if instead:
        sentence += " " + _("Possible now: %(moves)s.") % {"moves": ", ".join(instead)}
    return NotAllowed(move, row.state, row.side, sentence)


def _fresh_items(row: models.Document, before: Content, after: Content) -> dict[int, uuid.UUID | None]:
    """One's own items of the lines that a move brings, by their position; they are completed from them."""
    known = {line.id for line in before.lines}
    fresh = [line for line in after.lines if line.id not in known]
    return _match(replace(after, lines=fresh), side=row.side, partner_id=row.partner_id, lenient=True) if fresh else {}


def _read_data(document_type: DocumentType, move: Move, content: Content, data: Mapping[str, Any], *, lenient: bool) -> dict[str, Any]:
    reader = Reader(lenient=lenient)
    note = reader.text("/note", data.get("note"), 4000)
    reason = reader.text("/reason", data.get("reason"), 2000, required=move.reason == "required")
    response = reader.bag("/response", data.get("response"))
    reader.done()
    read: dict[str, Any] = {"note": note, "reason": reason}
    if response:
        read["response"] = response
    if move.effect == "agree" and data.get("judged"):
        # Why nobody needed to look at it: it crosses with the word, so that both can read it.
        read["judged"] = list(data["judged"])
    if move.effect == "ask":
        read |= {
            "number": content.number,
            "issued_on": content.issued_on,
            "currency": content.currency,
            "note": content.note,
            "details": content.details,
            "lines": content.lines,
        }
    elif move.effect == "restate":
        read |= {"details": reader.bag("/details", data.get("details")), "lines": wording.read_lines(reader, data.get("lines"), dated=document_type.dated)}
        reader.done()
    elif move.effect in wording.ANSWERING:
        read["lines"] = _read_answers(move, content, data.get("lines"), lenient=lenient)
    if move.effect in ("promise", "repromise", "hold"):
        read |= {"outcome": str(data.get("outcome", "")), "terms": reader.bag("/terms", data.get("terms"))}
        folding.outcome_of(move, content.state, read["outcome"])
    if move.effect == "counter" and not read["lines"]:
        raise refuse("/lines", "required", _("Say what you propose instead: at least one line."))
    return read


def _read_answers(move: Move, content: Content, given: Any, *, lenient: bool) -> dict[int, folding.Offer]:
    """What a move says of lines. The answer to a change names each line that it changes, so that nobody takes it for an answer to the others."""
    changed = changed_lines(content.details)
    if move.effect == "change" or (move.effect == "counter" and changed):
        return wording.read_changes(given, content.lines, waiting=changed, lenient=lenient)
    if move.effect == "propose":
        return wording.read_proposals(given, content.lines, lenient=lenient)
    answers = wording.read_answers(given, content.lines, lenient=lenient, among=changed or None)
    return answers if move.effect != "offer" else {position: folding.Offer("accept", None, []) for position in changed} | answers


def body_of(document: models.Document, step: models.Step) -> dict[str, Any]:
    """A move as it crosses."""
    return {
        "type": document.type, "document": str(document.pk), "step": str(step.pk), "move": step.move, "side": document.side,
        "said": step.said, "seen": step.seen, "at": step.at.isoformat(), "by": step.by, "data": step.data,
    }  # fmt: skip


class Unacceptable(Exception):
    """What a partner said cannot be taken: it breaks the rules of the type. The sentence says which."""


def read_body(body: Mapping[str, Any]) -> tuple[DocumentType, Said]:
    """The inverse of body_of(), as the engine takes it. Raises Unacceptable."""
    document_type = TYPES.get(str(body.get("type")))
    declared = document_type.find_move(str(body.get("move"))) if document_type else None
    if document_type is None or declared is None or body["side"] not in declared.sides:
        raise Unacceptable(_("Nobody here knows “%(type)s.%(move)s”.") % {"type": str(body.get("type"))[:40], "move": str(body.get("move"))[:40]})
    try:
        said = Said(move=declared.code, side=body["side"], said=body["said"], seen=body["seen"], data=wording.parse(declared.effect, body["data"]))
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        raise Unacceptable(_("The move cannot be read: %(error)s") % {"error": error}) from error
    return document_type, said


def accept(*, body: Mapping[str, Any], partner_id: uuid.UUID, envelope: int) -> models.Document:
    """Take in a partner's move. Raises Unacceptable, OutOfOrder, and then nothing has changed."""
    document_type, said = read_body(body)
    made = storing.Made(
        id=uuid.UUID(body["step"]), by=body["by"], by_id=None, at=dt.datetime.fromisoformat(body["at"]), own=False, move=said.move,
        said=said.said, seen=said.seen, data=body["data"], envelope=envelope,
    )  # fmt: skip
    with transaction.atomic(savepoint=False):
        row = storing.locked(uuid.UUID(body["document"]))
        before = after = Content(state=document_type.draft)
        if row is None:
            row, step, after, items = _receive(document_type, said, uuid.UUID(body["document"]), partner_id, made)
        elif row.partner_id != partner_id or row.side == said.side:
            raise Unacceptable(_("This document is not between these two enterprises."))
        else:
            before = storing.load(row)
            after = _taken(document_type, row, before, said)
            items = _fresh_items(row, before, after)
            step = storing.store(row, before, after, replace(made, overruled=after is before), items=items)
            guarding.carry(row, document_type, before, after, step)
        counted = _count(row, document_type, before, after, step)
        announcing.announce(Moved(document=row, document_type=document_type, step=step, content=after, items=items, body=None))
        _tell_counted(counted, made)
    return row


def _count(row: models.Document, document_type: DocumentType, before: Content, after: Content, step: models.Step) -> counting.Counted | None:
    try:
        return counting.count(row, document_type, before, after, step)
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise Unacceptable(_("A line names a line of an order that is not between these two enterprises, or not agreed.")) from error


def _receive(
    document_type: DocumentType, said: Said, id: uuid.UUID, partner_id: uuid.UUID, made: storing.Made
) -> tuple[models.Document, models.Step, Content, dict[int, uuid.UUID | None]]:
    """The first word about a document: it stands at this side from now on."""
    if not folding.is_first_word(document_type, said):
        raise Unacceptable(_("The first word about a document must be its publication."))
    after = folding.apply(document_type, Content(state=document_type.draft), said)
    side = OTHER[said.side]
    items = _match(after, side=side, partner_id=partner_id, lenient=True)
    row = models.Document(id=id, type=document_type.code, side=side, partner_id=partner_id, issuer_id=partner_id)
    return row, storing.create(row, after, items, before=document_type.draft, made=made), after, items


def _taken(document_type: DocumentType, row: models.Document, before: Content, said: Said) -> Content:
    """The content with the partner's move. `before` itself is returned where it was overruled; other moves may be overruled by it, or not any more."""
    steps: list[tuple[models.Step, Said]] = []

    def earlier() -> list[Said]:
        steps.extend((step, _said_again(document_type, row, step)) for step in row.steps.filter(said__gt=0))
        return [other for _step, other in steps]

    try:
        heard = folding.hear(document_type, before, said, own_said=row.own_said, partner_said=row.partner_said, earlier=earlier)
    except NotAllowed as error:
        raise Unacceptable(str(error)) from error
    for step, other in steps:
        lost = (other.side, other.said) in (heard.lost or ())
        if lost != step.overruled:
            row.steps.filter(pk=step.pk).update(overruled=lost)
    return heard.content


def _said_again(document_type: DocumentType, row: models.Document, step: models.Step) -> Said:
    move = document_type.find_move(step.move)
    assert move is not None
    side = row.side if step.own else OTHER[row.side]
    return Said(move=step.move, side=side, said=step.said, seen=step.seen, data=wording.parse(move.effect, step.data))
