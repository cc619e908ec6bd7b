"""REST for partners: who they are, inviting one, and answering an invitation."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock, fields
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import both, may_be, moment, operation, page_of, parameter, shape, text, texts, uid, whole
from apps.base.findings import Finding, Invalid
from apps.base.inputs import Parameters, check_names
from apps.base.paging import everything
from apps.network import selectors, services
from apps.network.selectors import Partner
from apps.network.terms import written

ROLES = ("supplier", "customer", "carrier")
STATES = ("invited", "asked", "active", "declined", "suspended", "ended")
# What can be done to a partnership in each of its states.
MOVES: Mapping[str, tuple[str, ...]] = {"asked": ("accept", "decline"), "active": ("suspend", "end"), "suspended": ("resume",)}
MESSAGE_LIMIT = 2000

PartnerShape = shape(
    "Partner",
    uid=uid(),
    slug=text(),
    name=text(),
    gln=text(),
    country=text(),
    city=text(),
    role=text(gettext_lazy("What the partner is to you: supplier, customer or carrier.")),
    state=text(gettext_lazy("invited (you asked), asked (they asked), active, declined, suspended or ended.")),
    document_types=texts(gettext_lazy("What both have agreed to exchange; before that, what was proposed.")),
    message=text(),
    answer_hours=whole(
        gettext_lazy("Within how many of its working hours you want to be answered; 0: no hurry; null until you have consented."), allow_null=True
    ),
    their_answer_hours=whole(gettext_lazy("The same, of what it asks you."), allow_null=True),
    notice_days=whole(
        gettext_lazy("How many days before the date agreed it may ask for a change or a cancellation at the latest; 0: at any time."), allow_null=True
    ),
    their_notice_days=whole(gettext_lazy("The same, of what you may ask it."), allow_null=True),
    group=text(gettext_lazy("Your own name for the suppliers whose answers you tolerate alike.")),
    moves=texts(gettext_lazy("What you may do now.")),
)
Wish = shape(
    "Wishes",
    answer_hours=whole(gettext_lazy("Working hours of the partner, 0 to 2000; 0: no hurry."), required=False),
    notice_days=whole(gettext_lazy("Days before the date agreed, 0 to 365; 0: at any time."), required=False),
    group=text(gettext_lazy("Your own name for the suppliers whose answers you tolerate alike; empty: none."), required=False),
)
WISHES = {
    "answer_hours": gettext_lazy("Write a whole number of hours."),
    "notice_days": gettext_lazy("Write a whole number of days."),
    "group": gettext_lazy("Write a text."),
}
_DAYS = gettext_lazy("The working days of the week: 1 is Monday, 7 Sunday.")
OfficeShape = shape(
    "Office",
    days=serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=7), help_text=_DAYS),
    opens=text(gettext_lazy("As 09:00, by the clock of the enterprise's time zone.")),
    closes=text(gettext_lazy("As 17:00, later on the same day.")),
    subdivision=may_be(text, gettext_lazy("Of the enterprise's country (ISO 3166-2), for its public holidays.")),
    person=may_be(text, gettext_lazy("Who is responsible for late answers.")),
    email=may_be(text, gettext_lazy("Where he is told of them.")),
)
Invitation = shape(
    "Invitation",
    partner=text(gettext_lazy("The short name of the enterprise.")),
    role=text(gettext_lazy("What it shall be to you: supplier, customer or carrier.")),
    document_types=texts(gettext_lazy("What you will exchange, as “order”.")),
    message=may_be(text),
)
Consenting = shape("Consenting", document_types=may_be(texts, gettext_lazy("Some of the proposed types; all of them where it is not said.")))
SLUG = parameter("slug", gettext_lazy("The partner's short name."), place=OpenApiParameter.PATH)


def told(partner: Partner) -> dict[str, Any]:
    """A partner as JSON."""
    allowed = MOVES.get(partner.state, ()) if acting.actor().may("network.consent") else ()
    named = {name: getattr(partner, name) for name in ("slug", "name", "gln", "country", "city", "role", "state", "document_types", "message")}
    named |= {name: getattr(partner, name) for name in ("answer_hours", "their_answer_hours", "notice_days", "their_notice_days", "group")}
    return {"uid": partner.partnership_id, **named, "moves": allowed}


def _document_types(given: Any) -> list[str]:
    """The codes of types of documents. Raises Invalid for one that nobody has declared."""
    known = selectors.document_types()
    if not isinstance(given, list) or not given:
        raise Invalid([Finding("/document_types", "required", _("Say which documents you will exchange: %(known)s.") % {"known": ", ".join(known)})])
    unknown = [index for index, code in enumerate(given) if not isinstance(code, str) or code not in known]
    if unknown:
        detail = _("This is none of: %(known)s.") % {"known": ", ".join(known)}
        raise Invalid([Finding(f"/document_types/{index}", "document_type", detail) for index in unknown[:100]])
    return list(dict.fromkeys(given))


@extend_schema_view(
    get=operation(
        "partner_list",
        gettext_lazy("Partners: list"),
        tags=["partners"],
        answers={200: page_of("Partner", PartnerShape)},
        refused=[422],
        parameters=[
            parameter("state", gettext_lazy("Only those in this state."), options=STATES),
            parameter("role", gettext_lazy("Only those who are this to you."), options=ROLES),
        ],
    ),
    post=operation(
        "partner_invite",
        gettext_lazy("Partners: invite an enterprise"),
        tags=["partners"],
        answers={201: PartnerShape},
        body=Invitation,
        writes=True,
        example={"partner": "boreal", "role": "supplier", "document_types": ["order"]},
    ),
)
class PartnerCollection(ApiView):
    needs = {"get": "network.view", "head": "network.view", "post": "network.invite"}

    def get(self, request: Request) -> Response:
        parameters = Parameters(request, ("state", "role"))
        state, role = parameters.choice("state", STATES), parameters.choice("role", ROLES)
        parameters.done()
        found = [partner for partner in selectors.partners() if partner.state == (state or partner.state) and partner.role == (role or partner.role)]
        return Response(everything([told(partner) for partner in found]))

    def post(self, request: Request) -> Response:
        body = given(request)
        check_names(body, {"partner": None, "role": None, "document_types": [None], "message": None})
        found: list[Finding] = []
        slug = _text(body, "partner", found, limit=60, required=True)
        role = _text(body, "role", found, limit=20, required=True)
        message = _text(body, "message", found, limit=MESSAGE_LIMIT)
        if found:
            raise Invalid(found)
        types = _document_types(body.get("document_types"))
        partner = services.invite(slug=slug, role=role, document_types=types, message=message, by=acting.actor(), at=clock.now())
        return Response(told(partner), status=201)


def _text(body: Mapping[str, Any], name: str, found: list[Finding], **limits: Any) -> str:
    try:
        return fields.text(body.get(name), **limits)
    except fields.Unreadable as error:
        found.append(Finding(f"/{name}", error.code, str(error)))
        return ""


class PartnerView(ApiView):
    """A view of one partnership, by the partner's short name."""

    def partner(self, slug: str) -> Partner:
        found = None if "\0" in slug else selectors.known(slug=slug)
        if found is None:
            raise Http404
        return found


@extend_schema_view(
    get=operation("partner_read", gettext_lazy("Partner: read"), tags=["partners"], answers={200: PartnerShape}, refused=[404], parameters=[SLUG]),
    patch=operation(
        "partner_change", gettext_lazy("Partner: say what is wanted of it"), tags=["partners"], answers={200: PartnerShape}, body=Wish, refused=[404],
        writes=True, parameters=[SLUG], example={"answer_hours": 8, "notice_days": 5},
    ),
)  # fmt: skip
class PartnerDetail(PartnerView):
    needs = {"get": "network.view", "head": "network.view", "patch": "network.consent"}

    def get(self, request: Request, slug: str) -> Response:
        return Response(told(self.partner(slug)))

    def patch(self, request: Request, slug: str) -> Response:
        partner, body = self.partner(slug), given(request)
        check_names(body, dict.fromkeys(WISHES))
        found = [
            Finding(f"/{name}", name, str(sentence))
            for name, sentence in WISHES.items()
            if name in body and (not isinstance(body[name], str if name == "group" else int) or isinstance(body[name], bool))
        ]
        if not body:
            found.append(Finding("/answer_hours", "required", _("Say at least one of them.")))
        if found:
            raise Invalid(found)
        wishes: dict[str, Any] = {name: body[name] for name in WISHES if name in body}
        return Response(told(services.say_wishes(partnership=partner.partnership_id, **wishes, by=acting.actor(), at=clock.now())))


class PartnerMove(PartnerView):
    """A move in a partnership."""

    needs = {"post": "network.consent"}
    move: str

    def post(self, request: Request, slug: str) -> Response:
        partner, body = self.partner(slug), given(request)
        more: dict[str, Any] = {}
        check_names(body, {"document_types": [None]} if self.move == "accept" else {})
        if "document_types" in body:
            more["document_types"] = _document_types(body["document_types"])
        verb = getattr(services, self.move)
        return Response(told(verb(partnership=partner.partnership_id, by=acting.actor(), at=clock.now(), **more)))


# Invitations by mail, and who is told by mail --------------------------------------------------------------------------

MailedShape = shape(
    "MailedInvitation",
    uid=uid(),
    email=text(),
    role=text(gettext_lazy("What it shall be to you: supplier, customer or carrier.")),
    document_types=texts(gettext_lazy("What you will exchange, as “order”.")),
    language=text(gettext_lazy("Of the mail: en or zh-hans.")),
    message=text(),
    expires_at=moment(),
)
MailedAsked = shape(
    "MailedInvitationAsked",
    email=text(gettext_lazy("Of somebody who may speak for an enterprise that is not here yet.")),
    role=text(gettext_lazy("What it shall be to you: supplier, customer or carrier.")),
    document_types=texts(gettext_lazy("What you will exchange, as “order”.")),
    language=may_be(text, gettext_lazy("Of the mail: en or zh-hans.")),
    message=may_be(text),
)
ContactShape = shape("NoticeAddress", uid=uid(), email=text(), language=text(gettext_lazy("Of the mail: en or zh-hans.")))
ContactAsked = shape(
    "NoticeAddressAsked",
    email=text(gettext_lazy("Who is told what waits for an answer, with a link to give it once without an account.")),
    language=may_be(text, gettext_lazy("Of the mail: en or zh-hans.")),
)


def told_invitation(row: Any) -> dict[str, Any]:
    """An invitation by mail as JSON; its link nobody is told."""
    return {"uid": row.pk, **{name: getattr(row, name) for name in ("email", "role", "document_types", "language", "message", "expires_at")}}


def told_contact(row: Any) -> dict[str, Any]:
    return {"uid": row.pk, "email": row.email, "language": row.language}


def _asked(body: Mapping[str, Any], **wanted: Mapping[str, Any]) -> dict[str, str]:
    """Texts of a body, by name; the language is the enterprise's where none is said. Raises Invalid."""
    found: list[Finding] = []
    read = {name: _text(body, name, found, **limits) for name, limits in wanted.items()}
    if found:
        raise Invalid(found)
    return {**read, "language": read["language"] or acting.home().language}


@extend_schema_view(
    get=operation("invitation_list", gettext_lazy("Invitations by mail: list"), tags=["partners"], answers={200: page_of("MailedInvitation", MailedShape)}),
    post=operation(
        "invitation_create", gettext_lazy("Invitations by mail: invite an enterprise that is not here yet"), tags=["partners"], answers={201: MailedShape},
        body=MailedAsked, writes=True, example={"email": "sales@castings.example", "role": "supplier", "document_types": ["order"]},
    ),
)  # fmt: skip
class InvitationCollection(ApiView):
    needs = {"get": "network.invite", "head": "network.invite", "post": "network.invite"}

    def get(self, request: Request) -> Response:
        Parameters(request, ()).done()
        return Response(everything([told_invitation(row) for row in selectors.invitations()]))

    def post(self, request: Request) -> Response:
        body = given(request)
        check_names(body, {"email": None, "role": None, "document_types": [None], "language": None, "message": None})
        asked = _asked(
            body, email={"limit": 150, "required": True}, role={"limit": 20, "required": True}, language={"limit": 10}, message={"limit": MESSAGE_LIMIT}
        )
        types = _document_types(body.get("document_types"))
        try:
            row = services.invite_by_mail(**asked, document_types=types, by=acting.actor(), at=clock.now())
        except services.InvitationNotSent as trouble:
            # It stands, and can be sent again under Network.
            row = trouble.invitation
        return Response(told_invitation(row), status=201)


@extend_schema_view(
    delete=operation(
        "invitation_delete", gettext_lazy("Invitation by mail: withdraw"), tags=["partners"], answers={204: None}, refused=[404],
        parameters=[parameter("uid", gettext_lazy("The invitation's id."), place=OpenApiParameter.PATH)],
    )
)  # fmt: skip
class InvitationDetail(ApiView):
    needs = {"delete": "network.invite"}

    def delete(self, request: Request, uid: str) -> Response:
        if services.withdraw_invitation(invitation=uuid_of(uid), by=acting.actor(), at=clock.now()) is None:
            raise Http404
        return Response(status=204)


def told_office(row: Any) -> dict[str, Any]:
    """When somebody is there to answer, as JSON. Days are counted from 1 there, as ISO 8601 does."""
    named = {name: getattr(row, name) for name in ("subdivision", "person", "email")}
    return {"days": [day + 1 for day in row.days], "opens": f"{row.opens:%H:%M}", "closes": f"{row.closes:%H:%M}", **named}


# What is tolerated ----------------------------------------------------------------------------------------------------

Place = {
    "partner": may_be(text, gettext_lazy("With whom: the partner's short name.")),
    "group": may_be(text, gettext_lazy("With which supplier group; without partner and group: all suppliers.")),
    "item": may_be(text, gettext_lazy("Your own number of the item; without: all items.")),
}
_TERMS = gettext_lazy(
    "By kind (over, under, early, late, dearer, cheaper, split, substitute, backorder) its limits (percent, amount, days, count) and what becomes of more: "
    "beyond is accept, ask or block. Nothing: as the wider place says."
)
ToleranceGiven = shape("ToleranceGiven", **Place, terms=serializers.DictField(help_text=_TERMS))
ToleranceShape = shape(
    "Tolerance",
    **Place,
    version=whole(gettext_lazy("Grows each time something else is said there.")),
    terms=serializers.DictField(help_text=_TERMS),
    said_by=text(),
    said_at=moment(),
)
ToleranceList = shape("ToleranceList", results=serializers.ListField(child=ToleranceShape()))


def told_tolerance(each: selectors.Tolerance, slugs: Mapping[Any, str]) -> dict[str, Any]:
    """What is tolerated at one place, as JSON."""
    place = {"partner": slugs.get(each.partner, "") if each.partner else "", "group": each.group, "item": each.item}
    return {**place, "version": each.version, "terms": written(each.terms), "said_by": each.by, "said_at": each.at}


@extend_schema_view(
    get=operation("tolerances_read", gettext_lazy("Tolerances: read"), tags=["partners"], answers={200: ToleranceList}),
    post=operation(
        "tolerance_say", gettext_lazy("Tolerances: say a new version"), tags=["partners"], answers={201: ToleranceShape}, body=ToleranceGiven, writes=True,
        example={"partner": "castings", "terms": {"late": {"days": "5", "beyond": "ask"}, "dearer": {"percent": "2", "beyond": "block"}}},
    ),
)  # fmt: skip
class ToleranceView(ApiView):
    """How far suppliers may answer otherwise than they were asked."""

    needs = {"get": "network.view", "head": "network.view", "post": "network.consent"}

    def get(self, request: Request) -> Response:
        Parameters(request, ()).done()
        slugs = {partner.id: partner.slug for partner in selectors.partners()}
        return Response({"results": [told_tolerance(each, slugs) for each in selectors.said_tolerances(buyer=acting.home().id)]})

    def post(self, request: Request) -> Response:
        body = given(request)
        found: list[Finding] = []
        check_names({name: value for name, value in body.items() if name != "terms"}, dict.fromkeys(Place))
        place = {name: _text(body, name, found, limit=100) for name in Place}
        if found:
            raise Invalid(found)
        row = services.save_tolerance(terms=body.get("terms"), **place, by=acting.actor(), at=clock.now())
        slugs = {partner.id: partner.slug for partner in selectors.partners()}
        each = next(
            each
            for each in selectors.said_tolerances(buyer=acting.home().id)
            if (each.partner, each.group, each.item) == (row.partner_id, row.supplier_group, row.item)
        )
        return Response(told_tolerance(each, slugs), status=201)


def _clock_time(body: Mapping[str, Any], name: str, found: list[Finding]) -> dt.time:
    value = body.get(name)
    try:
        read = dt.time.fromisoformat(value) if isinstance(value, str) and len(value) == 5 else None
    except ValueError:
        read = None
    if read is None:
        found.append(Finding(f"/{name}", "time", _("Write a time of the day as 09:00.")))
    return read or dt.time()


@extend_schema_view(
    get=operation("office_read", gettext_lazy("Answering hours: read"), tags=["partners"], answers={200: OfficeShape}),
    put=operation(
        "office_write", gettext_lazy("Answering hours: say"), tags=["partners"], answers={200: OfficeShape}, body=OfficeShape, writes=True,
        example={"days": [1, 2, 3, 4, 5], "opens": "08:00", "closes": "16:30", "person": "Li Wei", "email": "li.wei@castings.example"},
    ),
)  # fmt: skip
class OfficeView(ApiView):
    """When somebody of the enterprise is there to answer."""

    needs = {"get": "settings.view", "head": "settings.view", "put": "settings.change"}

    def get(self, request: Request) -> Response:
        Parameters(request, ()).done()
        return Response(told_office(selectors.office()))

    def put(self, request: Request) -> Response:
        body = given(request)
        check_names(body, {"days": [None], "opens": None, "closes": None, "subdivision": None, "person": None, "email": None})
        found: list[Finding] = []
        days = body.get("days")
        if not isinstance(days, list) or not all(isinstance(day, int) and not isinstance(day, bool) and 1 <= day <= 7 for day in days):
            found.append(Finding("/days", "days", _("Choose at least one day of the week.")))
        opens, closes = (_clock_time(body, name, found) for name in ("opens", "closes"))
        texts = {name: _text(body, name, found, limit=limit) for name, limit in (("subdivision", 10), ("person", 150), ("email", 150))}
        if found:
            raise Invalid(found)
        row = services.save_office(days=[day - 1 for day in days or []], opens=opens, closes=closes, **texts, by=acting.actor(), at=clock.now())
        return Response(told_office(row))


@extend_schema_view(
    get=operation("notice_address_list", gettext_lazy("Notices by mail: list"), tags=["partners"], answers={200: page_of("NoticeAddress", ContactShape)}),
    post=operation(
        "notice_address_create", gettext_lazy("Notices by mail: tell one more address"), tags=["partners"], answers={201: ContactShape},
        body=ContactAsked, writes=True, example={"email": "sales@castings.example"},
    ),
)  # fmt: skip
class ContactCollection(ApiView):
    needs = {"get": "settings.view", "head": "settings.view", "post": "settings.change"}

    def get(self, request: Request) -> Response:
        Parameters(request, ()).done()
        return Response(everything([told_contact(row) for row in selectors.contacts()]))

    def post(self, request: Request) -> Response:
        body = given(request)
        check_names(body, {"email": None, "language": None})
        asked = _asked(body, email={"limit": 150, "required": True}, language={"limit": 10})
        return Response(told_contact(services.add_contact(**asked, by=acting.actor(), at=clock.now())), status=201)


@extend_schema_view(
    delete=operation(
        "notice_address_delete", gettext_lazy("Notices by mail: tell an address nothing more"), tags=["partners"], answers={204: None}, refused=[404],
        parameters=[parameter("uid", gettext_lazy("The address's id."), place=OpenApiParameter.PATH)],
    )
)  # fmt: skip
class ContactDetail(ApiView):
    needs = {"delete": "settings.change"}

    def delete(self, request: Request, uid: str) -> Response:
        if not services.remove_contact(contact=uuid_of(uid), by=acting.actor(), at=clock.now()):
            raise Http404
        return Response(status=204)


SUMMARIES = {
    "accept": gettext_lazy("Partner: accept the invitation"),
    "decline": gettext_lazy("Partner: decline the invitation"),
    "suspend": gettext_lazy("Partner: exchange nothing for a while"),
    "resume": gettext_lazy("Partner: exchange again"),
    "end": gettext_lazy("Partner: exchange nothing any more"),
}


def _move(code: str) -> Any:
    """The class of one move."""
    body = Consenting if code == "accept" else None
    described = operation(f"partner_{code}", SUMMARIES[code], tags=["partners"], answers={200: PartnerShape}, body=body, refused=[404], writes=True,
                          parameters=[SLUG])  # fmt: skip
    return extend_schema_view(post=described)(type(f"Partner{code.title()}", (PartnerMove,), {"move": code}))


def routes() -> list[URLPattern]:
    """Every route for partners."""
    found = [*both("partners/", PartnerCollection.as_view(), "api-partner-list"), *both("partners/<str:slug>/", PartnerDetail.as_view(), "api-partner")]
    found += both("office/", OfficeView.as_view(), "api-office")
    found += both("tolerances/", ToleranceView.as_view(), "api-tolerances")
    found += both("invitations/", InvitationCollection.as_view(), "api-invitation-list")
    found += both("invitations/<str:uid>/", InvitationDetail.as_view(), "api-invitation")
    found += both("notice-addresses/", ContactCollection.as_view(), "api-notice-address-list")
    found += both("notice-addresses/<str:uid>/", ContactDetail.as_view(), "api-notice-address")
    for code in SUMMARIES:
        found += both(f"partners/<str:slug>/moves/{code}/", _move(code).as_view(), f"api-partner-{code}")
    return found
