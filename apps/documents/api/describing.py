"""The description of each type's REST interface, derived from its declaration."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers

from apps.base.describing import day, may_be, moment, number, operation, page_of, paging, parameter, shape, text, texts, uid, whole, yes
from apps.documents.api.bodies import ANSWERED
from apps.documents.api.views import ANSWERS_BY, BY, Answer, Answers, Attachment, Attachments, Collection, Detail, Moves, Steps, Thread, writers
from apps.documents.selectors import STAGES
from apps.documents.services import shapes_of
from apps.documents.vocabulary import OTHER, DocumentType, Move

UID = parameter("uid", _("The document's uid, the same for both enterprises."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)

Party = shape("Party", slug=text(_("Short name.")), name=text(_("Name.")))
ScheduleShape = shape("Schedule", quantity=number(), due_on=day(_("On which day; null where the message named none."), allow_null=True))
Substitute = shape("Substitute", item=may_be(text, _("The number of the substitute.")), name=may_be(text), gtin=may_be(text))
Offered = shape(
    "Offered",
    response=text(_("accept, change, reject or backorder.")),
    price=number(allow_null=True),
    schedules=ScheduleShape(many=True),
    reason=text(),
    substitute=Substitute(allow_null=True),
)
Agreed = shape("Agreed", price=number(allow_null=True), quantity=number(), schedules=ScheduleShape(many=True))
Progress = shape(
    "Progress",
    agreed=number(),
    shipped=number(),
    received=number(),
    accepted=number(),
    rejected=number(),
    short=number(_("Was shipped, and did not come.")),
    credited=number(_("Of what was rejected or short, so much will not come any more.")),
    to_ship=number(_("Is still to be shipped: what was short or rejected comes again, unless it is credited.")),
    on_the_way=number(),
)
DocumentLine = shape(
    "DocumentLine",
    line=whole(_("Counts from 1.")),
    reference=text(_("The line's name in the message that brought it.")),
    item=text(_("Your own item number; where the line is not matched yet, what the partner calls it.")),
    matched=yes(_("Whether it is matched to an item of yours.")),
    partner_item=text(_("The partner's number for it.")),
    buyer_item=text(),
    seller_item=text(),
    gtin=text(),
    name=text(),
    quantity=number(),
    unit=text(_("UN/ECE Recommendation 20.")),
    price=number(allow_null=True),
    price_base=number(_("For how many units the price is; null is one."), allow_null=True),
    schedules=ScheduleShape(many=True, help_text=_("What is asked.")),
    offered=Offered(allow_null=True, help_text=_("What is offered beside it.")),
    agreed=Agreed(allow_null=True, help_text=_("What both agreed to.")),
    note=text(),
    progress=Progress(allow_null=True, help_text=_("What has come of it; null while nothing is agreed.")),
)
LineAsked = shape(
    "LineAsked",
    item=text(_("The buyer's item number.")),
    quantity=number(),
    unit=text(_("UN/ECE Recommendation 20: “C62” is a piece.")),
    price=may_be(number, allow_null=True),
    price_base=may_be(number, allow_null=True),
    schedules=shape("ScheduleAsked", quantity=number(), due_on=day())(many=True, help_text=_("Their quantities add up to that of the line.")),
    seller_item=may_be(text),
    gtin=may_be(text),
    name=may_be(text),
    note=may_be(text),
    reference=may_be(text, _("Your own name for the line.")),
)
LineAnswered = shape(
    "LineAnswered",
    line=whole(_("Which line, from 1.")),
    response=may_be(text, _("accept, change (where it is not said), reject or backorder.")),
    schedules=ScheduleShape(many=True, required=False, help_text=_("What is offered instead, split over as many dates as needed.")),
    price=may_be(number),
    substitute=Substitute(required=False),
    reason=may_be(text, _("Needed for reject.")),
)
STAYS = _("What is not named stays as it is agreed.")
LineChanged = shape(
    "LineChanged",
    line=whole(_("Which line, from 1.")),
    response=may_be(text, _("change (where it is not said), or cancel: nothing more of this line is wanted. A seller says change, reject or backorder.")),
    schedules=ScheduleShape(many=True, required=False, help_text=_("What is wanted instead, split over as many dates as needed.")),
    price=may_be(number),
    substitute=Substitute(required=False),
    reason=may_be(text),
)
TermsShape = shape("Terms", price=number(allow_null=True), quantity=number(), schedules=ScheduleShape(many=True))
LineChange = shape(
    "LineChange",
    line=whole(),
    agreed=TermsShape(help_text=_("What holds until the change is agreed.")),
    asked=TermsShape(help_text=_("What the buyer asks.")),
    offered=TermsShape(allow_null=True, help_text=_("What the seller offers; null while he has not answered.")),
    changes=texts(_("How the newest differs from what is agreed, in the reader's words.")),
)
Change = shape("Change", number=whole(_("The sequence number of the buyer's last change; 0 where he has asked for none.")), lines=LineChange(many=True))
StepLine = shape(
    "StepLine",
    line=whole(),
    response=text(),
    price=number(allow_null=True),
    schedules=ScheduleShape(many=True),
    reason=text(),
    substitute=Substitute(allow_null=True),
)
StepShape = shape(
    "Step",
    uid=uid(),
    step=whole(_("Counts the steps; the newest is the document's version.")),
    move=text(),
    event=text(_("As in the feed: “order.confirmed”.")),
    before=text(),
    after=text(),
    by=text(_("Who.")),
    own=yes(_("Whether it was made here.")),
    enterprise=text(_("Whose, by its short name.")),
    at=moment(),
    overruled=yes(_("It lost against a simultaneous move of the other side.")),
    note=text(),
    reason=text(),
    lines=StepLine(many=True, help_text=_("The lines as answered.")),
)
Message = shape("Message", uid=uid(), by=text(), own=yes(), enterprise=text(), at=moment(), text=text())
MessageWritten = shape("MessageWritten", text=text(_("At most 4,000 characters; both enterprises read it.")))
AttachmentShape = shape(
    "Attachment",
    uid=uid(),
    kind=text(_("What it is: “attachment”; or, of a standard message, “order”, “order_response”, “order_change”, “order_cancellation”.")),
    name=text(_("The file's name; empty for a standard message.")),
    media_type=text(_("As its content tells.")),
    size=whole(_("In bytes; null for a standard message."), allow_null=True),
    sha256=text(_("The digest of its bytes, in hexadecimal; empty for a standard message.")),
    by=text(),
    own=yes(_("Whether it was added here; null for a standard message."), allow_null=True),
    enterprise=text(),
    at=moment(),
    step=uid(_("The step that a standard message made."), allow_null=True),
    url=text(_("Where its bytes are.")),
)
FileSent = shape(
    "FileSent", file=serializers.FileField(help_text=_("At most 5 MB: PDF, PNG, JPEG, XML, text, CSV, XLSX, ZIP, STEP or DXF, told by the content."))
)
# The same for every type: one component of each.
WRITES: Mapping[type, tuple[str, str]] = {
    Collection: ("post", "draft"),
    Detail: ("patch", "draft"),
    Thread: ("post", "remark"),
    Attachments: ("post", "attach"),
}
"""What each view writes by which method: the move, or what is permitted beside the moves."""
STEPS, MESSAGES, ATTACHMENTS = page_of("Step", StepShape), page_of("Message", Message), page_of("Attachment", AttachmentShape)
HEAD: Mapping[str, Callable[[], Any]] = {
    "uid": lambda: uid(_("The same for both enterprises.")),
    "type": text,
    "number": text,
    "state": text,
    "moves": lambda: texts(_("The moves that this caller may make now.")),
    "side": lambda: text(_("Which side you are: buyer or seller.")),
    "buyer": Party,
    "seller": Party,
    "partner": lambda: text(_("The other side's short name.")),
    "currency": text,
    "note": text,
    "issued_on": lambda: day(allow_null=True),
    "due_on": lambda: day(_("The first day on which something is due."), allow_null=True),
    "amount": lambda: number(_("Price times quantity over all lines: as agreed, else as asked; null while a price is missing."), allow_null=True),
    "line_count": whole,
    "version": lambda: whole(_("Grows with each step; the ETag.")),
    "created_at": moment,
    "updated_at": moment,
    "answer_due_at": lambda: moment(
        _("Until when the side that is asked shall answer, in its working hours; null where nobody is asked, or there is no hurry."), allow_null=True
    ),
    "answer_stage": lambda: text(_("How far that clock is: running, reminded, late or escalated; null where there is none."), allow_null=True),
}


def _title(document_type: DocumentType) -> str:
    return "".join(part.title() for part in document_type.code.split("_"))


class Shapes:
    """The components of one type."""

    def __init__(self, document_type: DocumentType) -> None:
        title, side = _title(document_type), OTHER[document_type.issuer]
        self.head = shape(f"{title}Head", **{name: make() for name, make in HEAD.items()})
        owned = shapes_of(document_type.code)
        more = {name: make() for name, make in owned.told.items()} if owned else {}
        stages = ", ".join(STAGES)
        progress = text(format_lazy(_("How far the goods have come: {stages}; null while nothing is agreed."), stages=stages), allow_null=True)
        waits = _("A change that waits to be agreed: the lines that it changes, from what to what; null where none waits.")
        change = {"change": Change(allow_null=True, help_text=waits)} if document_type.ordered else {}
        self.whole = shape(title, **{**{name: make() for name, make in HEAD.items()}, "progress": progress, **change, "lines": DocumentLine(many=True), **more})
        content: dict[str, Any] = {
            "number": text(_("Your number; each document has its own.")),
            "currency": text(_("ISO 4217.")),
            "lines": LineAsked(many=True, help_text=_("1 to 10,000.")),
            "note": may_be(text),
            "issued_on": may_be(day, _("Today where it is not said.")),
        }
        changes = {name: make() for name, make in HEAD_CHANGES.items()}
        self.draft = owned.asked if owned else shape(f"{title}Draft", **{side: text(_("The partner's short name."))}, **content)
        self.revision = owned.asked if owned else shape(f"{title}Revision", **changes, lines=LineAsked(many=True, required=False))


HEAD_CHANGES: Mapping[str, Callable[[], Any]] = {
    "number": lambda: may_be(text),
    "currency": lambda: may_be(text),
    "note": lambda: may_be(text),
    "issued_on": lambda: may_be(day),
}


def _example(document_type: DocumentType) -> Mapping[str, Any]:
    if owned := shapes_of(document_type.code):
        return owned.example
    line = {"item": "A-100", "quantity": "40", "unit": "C62", "price": "81.50", "schedules": [{"quantity": "40", "due_on": "2027-01-15"}]}
    return {OTHER[document_type.issuer]: "boreal", "number": "4500012345", "currency": "EUR", "lines": [line]}


ANSWER_EXAMPLE = {
    "lines": [
        {
            "line": 1,
            "response": "change",
            "price": "83.00",
            "schedules": [{"quantity": "18", "due_on": "2027-01-15"}, {"quantity": "22", "due_on": "2027-02-15"}],
            "reason": "Short of copper",
        }
    ]
}


def _filters(states: list[str]) -> list[OpenApiParameter]:
    due_before = parameter("answer_due_before", _("Only those whose answer is due before this time, and has not come."), kind=OpenApiTypes.DATETIME)
    return [
        parameter("side", _("Only those in which you are this side."), options=["buyer", "seller"]),
        *([parameter("state", _("Only those in this state."), options=states), due_before] if states else []),
        parameter("partner", _("Only those with this partner, by its short name.")),
        parameter("number", _("Only the one with this number.")),
        parameter("updated_after", _("Only those that something happened to after this time."), kind=OpenApiTypes.DATETIME),
    ]


def _formats(found: Any, kind: str) -> dict[Any, Any]:
    messages = {(200, name): OpenApiResponse(OpenApiTypes.BINARY, description=_("The document as a standard message.")) for name in writers(kind)}
    return {(200, "application/json"): found, **messages}


def collection(document_type: DocumentType, shapes: Shapes) -> Any:
    tags, many = [document_type.collection], document_type.label_plural
    listed = operation(
        f"{document_type.code}_list",
        format_lazy(_("{documents}: list"), documents=many),
        tags=tags,
        answers={200: page_of(_title(document_type), shapes.head)},
        refused=[422],
        parameters=[
            *_filters([state.code for state in document_type.states]),
            parameter("q", _("Only those in whose number, item numbers or names this stands.")),
            *paging(list(BY)),
        ],
    )
    drafted = operation(
        f"{document_type.code}_draft",
        format_lazy(_("{document}: write a draft"), document=document_type.label),
        tags=tags,
        answers={201: shapes.whole},
        body=shapes.draft,
        writes=True,
        example=_example(document_type),
        description=_("It stays at home until it is published."),
    )
    return extend_schema_view(get=listed, post=drafted)(_of(Collection, document_type))


def detail(document_type: DocumentType, shapes: Shapes) -> Any:
    read = operation(
        f"{document_type.code}_read",
        format_lazy(_("{document}: read"), document=document_type.label),
        tags=[document_type.collection],
        answers=_formats(shapes.whole, document_type.code),
        refused=[404, 406],
        parameters=[UID],
    )
    revised = operation(
        f"{document_type.code}_revise",
        format_lazy(_("{document}: change a draft"), document=document_type.label),
        tags=[document_type.collection],
        answers={200: shapes.whole},
        body=shapes.revision,
        refused=[404],
        writes=True,
        matches=True,
        parameters=[UID],
        example={"note": "Ring before you come."},
    )
    return extend_schema_view(get=read, patch=revised)(_of(Detail, document_type))


CHANGE_EXAMPLE = {"lines": [{"line": 1, "schedules": [{"quantity": "60", "due_on": "2027-01-20"}], "reason": "The customer wants more"}]}


def _move_example(move: Move) -> Mapping[str, Any]:
    if move.reason == "required":
        return {"reason": "The customer has changed his mind."}
    return {"offer": ANSWER_EXAMPLE, "change": CHANGE_EXAMPLE, "propose": ANSWER_EXAMPLE}.get(move.effect, {"note": "Thank you."})


def moved(document_type: DocumentType, shapes: Shapes, move: Move) -> Any:
    body: dict[str, Any] = {"note": may_be(text)}
    if move.reason != "none":
        body["reason"] = text() if move.reason == "required" else may_be(text)
    if move.effect in ANSWERED:
        line, words = (LineChanged, STAYS) if move.effect in ("change", "propose") else (LineAnswered, _("Lines that are not named stand as asked."))
        body["lines"] = line(many=True, required=move.effect != "offer", help_text=words)
    if owned := shapes_of(document_type.code):
        body |= {field: make() for field, make in owned.moves.get(move.code, {}).items()}
    name = "".join(part.title() for part in move.code.split("_"))
    made = operation(
        f"{document_type.code}_{move.code}",
        format_lazy("{document}: {move}", document=document_type.label, move=move.label),
        tags=[document_type.collection],
        answers={200: shapes.whole},
        body=shape(f"{_title(document_type)}{name}Move", **body),
        refused=[404],
        writes=True,
        matches=True,
        parameters=[UID],
        example=_move_example(move),
    )
    return extend_schema_view(post=made)(_of(Moves, document_type, move=move))


def unknown_move(document_type: DocumentType) -> Any:
    return extend_schema_view(post=extend_schema(exclude=True))(_of(Moves, document_type))


def steps(document_type: DocumentType) -> Any:
    read = _read(document_type, "steps", _("{document}: the history"), STEPS)
    return extend_schema_view(get=read)(_of(Steps, document_type))


def thread(document_type: DocumentType) -> Any:
    read = _read(document_type, "thread", _("{document}: the messages"), MESSAGES)
    written = operation(
        f"{document_type.code}_remark",
        format_lazy(_("{document}: write a message"), document=document_type.label),
        tags=[document_type.collection],
        answers={201: Message},
        body=MessageWritten,
        refused=[404],
        writes=True,
        parameters=[UID],
        example={"text": "When can you deliver the rest?"},
    )
    return extend_schema_view(get=read, post=written)(_of(Thread, document_type))


def attachments(document_type: DocumentType) -> Any:
    read = _read(document_type, "attachments", _("{document}: the files that belong to it"), ATTACHMENTS)
    added = operation(
        f"{document_type.code}_attach",
        format_lazy(_("{document}: add a file"), document=document_type.label),
        tags=[document_type.collection],
        answers={201: AttachmentShape},
        body={"multipart/form-data": FileSent},
        refused=[404],
        writes=True,
        parameters=[UID],
        description=_("Both enterprises hold it; with a draft it goes to the partner when that is published."),
    )
    return extend_schema_view(get=read, post=added)(_of(Attachments, document_type))


def attachment(document_type: DocumentType) -> Any:
    read = operation(
        f"{document_type.code}_attachment",
        format_lazy(_("{document}: one file, byte for byte"), document=document_type.label),
        tags=[document_type.collection],
        answers={(200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, description=_("The bytes as they came in."))},
        refused=[404],
        parameters=[UID, parameter("attachment", _("The file's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)],
    )
    return extend_schema_view(get=read)(_of(Attachment, document_type))


def _read(document_type: DocumentType, what: str, summary: Any, answer: Any) -> Any:
    return operation(
        f"{document_type.code}_{what}",
        format_lazy(summary, document=document_type.label),
        tags=[document_type.collection],
        answers={200: answer},
        refused=[404],
        parameters=[UID],
    )


def _of(view: type, document_type: DocumentType, **more: Any) -> Any:
    """The type's own class of a view. Who may not do it is told so before anything else: neither what is wrong with his body, nor how the document stands."""
    moves, code = more.get("move"), document_type.code
    needs = {"get": f"{code}.view", "head": f"{code}.view"}
    if view in WRITES:
        method, doing = WRITES[view]
        needs[method] = f"{code}.{doing}"
    if moves is not None and not moves.inner:
        needs["post"] = f"{code}.{moves.code}"
    return type(f"{_title(document_type)}{view.__name__}", (view,), {"document_type": document_type, "needs": needs, **more})


def _answer_shape(document_type: DocumentType, collection: str) -> Any:
    title = "".join(part.title() for part in collection.removesuffix("s").split("-"))
    answered = shape(f"{title}Document", uid=uid(), number=text())
    kept = ("uid", "type", "number", "side", "buyer", "seller", "partner", "currency", "issued_on", "note")
    return shape(
        title,
        **{name: HEAD[name]() for name in kept},
        code=text(_("UNCL 4343: AB received, AP accepted, CA accepted with changes, RE refused.")),
        own=yes(_("Whether it was made here.")),
        **{document_type.code: answered(help_text=_("The document that it answers."))},
        reason=text(),
        by=text(),
        at=moment(),
        lines=StepLine(many=True, help_text=_("The lines that were answered one by one; the others stand as asked.")),
    )


def answers(document_type: DocumentType, collection: str) -> tuple[Any, Any]:
    """The list of answers, and one of them."""
    found, label = _answer_shape(document_type, collection), document_type.answers[collection]
    code = collection.removesuffix("s").replace("-", "_")
    listed = operation(
        f"{code}_list",
        format_lazy(_("{documents}: list"), documents=label),
        tags=[collection],
        answers={200: page_of("".join(part.title() for part in code.split("_")), found)},
        refused=[422],
        parameters=[*_filters([]), *paging(list(ANSWERS_BY))],
    )
    read = operation(f"{code}_read", format_lazy(_("{document}: read"), document=label), tags=[collection], answers=_formats(found, code), refused=[404, 406],
                     parameters=[UID])  # fmt: skip
    one, many = _of(Answer, document_type, collection=collection), _of(Answers, document_type, collection=collection)
    return extend_schema_view(get=listed)(many), extend_schema_view(get=read)(one)
