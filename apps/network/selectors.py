"""Questions about partners: who is one, in which documents, and as what."""

import base64
import binascii
import contextlib
import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Prefetch, Q
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from apps.accounts import selectors as accounts
from apps.base import acting, announcing
from apps.base.rows import json_of
from apps.base.text import Text
from apps.base.worktime import Office, known_countries
from apps.network import models
from apps.network.terms import Rule, Scope, Term
from apps.network.terms import read as read_terms
from apps.tenants import selectors as tenants
from apps.tenants.selectors import Listed

MIRROR = {"supplier": "customer", "customer": "supplier", "carrier": "customer"}

ROLES = {"supplier": Text("Supplier", "供应商"), "customer": Text("Customer", "客户"), "carrier": Text("Carrier", "承运商")}


@dataclass(frozen=True, slots=True, kw_only=True)
class StateShown:
    """How a state of a partnership is shown: words, tone and icon."""

    label: Text
    tone: str
    icon: str


STATES = {
    "asked": StateShown(label=Text("Waits for you", "待您处理"), tone="warning", icon="hourglass"),
    "invited": StateShown(label=Text("Invited", "已邀请"), tone="info", icon="send"),
    "active": StateShown(label=Text("Active", "有效"), tone="success", icon="check"),
    "declined": StateShown(label=Text("Declined", "已拒绝"), tone="neutral", icon="x"),
    "suspended": StateShown(label=Text("Suspended", "已暂停"), tone="warning", icon="player-pause"),
    "ended": StateShown(label=Text("Ended", "已终止"), tone="neutral", icon="x"),
}


class NoPartner(Exception):
    """The named enterprise is no partner with whom this may be exchanged; it may also not exist at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A partnership as seen from the acting enterprise.

    role: what the partner is to us (supplier, customer, carrier). state: invited (we asked), asked (they asked), active,
    declined, suspended, ended. document_types: what both have consented to, while active; what was proposed, before.
    """

    id: uuid.UUID
    partnership_id: uuid.UUID
    slug: str
    name: str
    gln: str
    country: str
    city: str
    role: str
    state: str
    document_types: tuple[str, ...]
    message: str = ""
    since: dt.datetime | None = None
    # Within how many working hours we want his answers, and he ours; 0: whenever. None: he has not consented.
    answer_hours: int | None = None
    their_answer_hours: int | None = None
    # So many days before the date agreed we want to be asked for a change or a cancellation at the latest, and he; 0: at any time.
    notice_days: int | None = None
    their_notice_days: int | None = None
    # Our own name for a group of suppliers whose answers we tolerate alike.
    group: str = ""


def partners(*, only: uuid.UUID | None = None) -> list[Partner]:
    """All partnerships of the acting enterprise, in every state, by name."""
    me = acting.home().id
    found = models.Partnership.objects.filter(Q(inviter=me) | Q(invitee=me)).prefetch_related(Prefetch("consents"))
    if only is not None:
        found = found.filter(Q(inviter=only) | Q(invitee=only))
    rows = list(found)
    names = tenants.listed([_other(row, me) for row in rows])
    return sorted((_seen(row, me, names) for row in rows), key=lambda partner: partner.name)


def _other(row: models.Partnership, me: uuid.UUID) -> uuid.UUID:
    return row.invitee_id if row.inviter_id == me else row.inviter_id


def _seen(row: models.Partnership, me: uuid.UUID, names: Mapping[uuid.UUID, Listed]) -> Partner:
    other = names[_other(row, me)]
    consents = {consent.enterprise_id: consent for consent in row.consents.all()}
    mine, theirs = consents.get(me), consents.get(other.id)
    return Partner(
        id=other.id,
        partnership_id=row.id,
        slug=other.slug,
        name=other.name,
        gln=other.gln,
        country=other.country,
        city=other.city,
        role=row.role if row.inviter_id == me else MIRROR[row.role],
        state=_state(mine, theirs),
        document_types=_agreed_types(mine, theirs),
        message=row.message,
        since=row.created_at,
        answer_hours=mine.answer_hours if mine else None,
        their_answer_hours=theirs.answer_hours if theirs else None,
        notice_days=mine.notice_days if mine else None,
        their_notice_days=theirs.notice_days if theirs else None,
        group=mine.supplier_group if mine else "",
    )


def _state(mine: models.Consent | None, theirs: models.Consent | None) -> str:
    states = {consent.state for consent in (mine, theirs) if consent}
    for state in ("ended", "declined", "suspended"):
        if state in states:
            return state
    if mine and theirs:
        return "active"
    return "invited" if mine else "asked"


def _agreed_types(mine: models.Consent | None, theirs: models.Consent | None) -> tuple[str, ...]:
    given = [consent.document_types for consent in (mine, theirs) if consent]
    return tuple(code for code in (given[0] if given else []) if all(code in types for types in given))


def partner(*, slug: str | None = None, id: uuid.UUID | None = None, document_type: str | None = None) -> Partner:
    """The active partner with this slug or id, with whom this type of document (its code) may be exchanged.

    Raises NoPartner: foreign, missing and not allowed read alike.
    """
    if id is None and not slug:
        raise NoPartner(_("Choose a partner."))
    listed = tenants.find(slug=slug) if id is None else tenants.listed([id]).get(id)
    found = partners(only=listed.id) if listed and listed.id != acting.home().id else []
    if found and found[0].state == "active" and (document_type is None or document_type in found[0].document_types):
        return found[0]
    if found and found[0].state == "active":
        raise NoPartner(_("You and “%(name)s” have not agreed to exchange this kind of document.") % {"name": found[0].name})
    raise NoPartner(
        _("“%(slug)s” is no partner of yours. Invite the enterprise under Network first.") % {"slug": str(slug or (listed.slug if listed else ""))[:60]}
    )


# What was found within one conversation: the partnership of two enterprises for a type of document. Both look at the same two consents.
_found: ContextVar[dict[tuple[frozenset[uuid.UUID], str], uuid.UUID] | None] = ContextVar("agreed", default=None)


@contextlib.contextmanager
def one_conversation() -> Iterator[None]:
    """While it lasts, who agreed with whom is looked up once for both sides: all of it is one transaction, and what was found ends with it."""
    token = _found.set({}) if _found.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _found.reset(token)


def agreed(*, id: uuid.UUID, document_type: str) -> uuid.UUID:
    """The partnership in which this type of document may be said to the partner with this id, in one query. Raises NoPartner."""
    known, key = _found.get(), (frozenset((acting.home().id, id)), document_type)
    if known is None:
        return _agreed(id, document_type)
    if key not in known:
        known[key] = _agreed(id, document_type)
    return known[key]


def _agreed(id: uuid.UUID, document_type: str) -> uuid.UUID:
    me = acting.home().id
    with connection.cursor() as cursor:
        cursor.execute(_AGREED, [me, id, id, me, f'["{document_type}"]'])
        row = cursor.fetchone()
    if row is None:
        return partner(id=id, document_type=document_type).partnership_id
    return row[0]  # type: ignore[no-any-return]


def role(*, id: uuid.UUID) -> str:
    """What the enterprise with this id is to us in our partnership, in whatever state; empty where there is none. One query."""
    me = acting.home().id
    found = models.Partnership.objects.filter(Q(inviter=me, invitee=id) | Q(invitee=me, inviter=id)).values_list("inviter_id", "role").first()
    return "" if found is None else found[1] if found[0] == me else MIRROR[found[1]]


def agreed_partner(*, slug: str, document_type: str) -> uuid.UUID:
    """The partner with this slug, with whom this type of document may be exchanged now, in one query. Raises NoPartner."""
    me = acting.home().id
    with connection.cursor() as cursor:
        cursor.execute(_AGREED_PARTNER, [me, me, slug, f'["{document_type}"]'])
        row = cursor.fetchone()
    return row[0] if row else partner(slug=slug, document_type=document_type).id


_AGREED_PARTNER = (
    "SELECT e.id FROM tenants_enterprise e JOIN network_partnership p ON (p.inviter_id, p.invitee_id) IN ((%s, e.id), (e.id, %s)) "
    "JOIN network_consent c ON c.partnership_id = p.id WHERE e.slug = %s AND e.ready AND c.state = 'given' AND c.document_types @> %s::jsonb "
    "GROUP BY e.id, p.id HAVING count(*) = 2"
)
_AGREED = (
    "SELECT p.id FROM network_partnership p JOIN network_consent c ON c.partnership_id = p.id "
    "WHERE (p.inviter_id, p.invitee_id) IN ((%s, %s), (%s, %s)) AND c.state = 'given' AND c.document_types @> %s::jsonb "
    "GROUP BY p.id HAVING count(*) = 2"
)


def active(*, role: str | None = None) -> list[Partner]:
    """The partners with whom documents can be exchanged now."""
    return [p for p in partners() if p.state == "active" and (role is None or p.role == role)]


def by_endpoints(endpoints: Iterable[tuple[str, str]]) -> Partner | None:
    """The active partner who has one of these electronic addresses (scheme, id), else None."""
    known = {p.id: p for p in active()}
    return next((known[id] for id in tenants.enterprises_at(endpoints) if id in known), None)


def names(ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Listed]:
    """How the enterprises with these ids are called."""
    return tenants.listed(ids)


@lru_cache(maxsize=1)
def document_types() -> Mapping[str, Any]:
    """The types of documents that partners can agree on, with their labels, as the floors above declare them (`DOCUMENT_TYPES`)."""
    return {code: label for types in announcing.declared("DOCUMENT_TYPES") for code, label in types.items()}


def known(*, slug: str) -> Partner | None:
    """The partnership with this enterprise, in whatever state; None where there is none."""
    listed = tenants.find(slug=slug)
    found = partners(only=listed.id) if listed and listed.id != acting.home().id else []
    return found[0] if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicProfile:
    """What a partner shows to partners only. endpoints: scheme and id."""

    tax_number: str = ""
    endpoints: Sequence[tuple[str, str]] = ()


def public_profile(partner: Partner) -> PublicProfile:
    """A partner's profile; empty until both have agreed."""
    if partner.state != "active":
        return PublicProfile()
    return PublicProfile(tax_number=tenants.profile(partner.id).tax_number, endpoints=tenants.endpoints_of(partner.id))


def figures(partner: Partner) -> list[Mapping[str, Any]]:
    """How many documents there are with a partner: label, count and url of the list, told by the floors above (`PARTNER_FIGURES`)."""
    return [row for rows in announcing.ask_above("PARTNER_FIGURES", only=partner.id) for row in rows]


def recent(partner: Partner) -> list[Mapping[str, Any]]:
    """The latest documents with a partner, told by the floors above (`PARTNER_RECENT`)."""
    return [row for rows in announcing.ask_above("PARTNER_RECENT", partner_id=partner.id) for row in rows]


def pages(partner: Partner) -> list[Mapping[str, Any]]:
    """The pages about a partner: label, icon and url, told by the floors above (`PARTNER_PAGES`)."""
    return [page for pages in announcing.ask_above("PARTNER_PAGES", slug=partner.slug) for page in pages]


def chain() -> Mapping[str, list[dict[str, Any]]]:
    """Who supplies whom, as far as the acting enterprise knows: its own active partnerships, with their open and late documents.

    Goods go from source to target. Nobody sees beyond his partners.
    """
    me = acting.home()
    counted: dict[tuple[uuid.UUID, str], dict[str, int]] = {}
    for rows in announcing.ask_above("PARTNER_FIGURES", only=None):
        for row in rows:
            sums = counted.setdefault((row["partner_id"], row["side"]), {"open": 0, "late": 0})
            sums["open"], sums["late"] = sums["open"] + row["open"], sums["late"] + row["late"]
    trading = [partner for partner in partners() if partner.state == "active" and partner.role in ("supplier", "customer")]
    if not trading:
        return {"nodes": [], "links": []}
    links = []
    for partner in trading:
        ends = (partner.slug, partner.name), (me.slug, me.name)
        source, target = ends if partner.role == "supplier" else ends[::-1]
        side = "buyer" if partner.role == "supplier" else "seller"
        sums = counted.get((partner.id, side), {"open": 0, "late": 0})
        links.append({"source": source[0], "source_name": source[1], "target": target[0], "target_name": target[1], **sums})
    late = {link["source"]: link["late"] for link in links if link["source"] != me.slug}
    nodes = [{"slug": partner.slug, "name": partner.name, "own": False, "late": late.get(partner.slug, 0)} for partner in trading]
    return {"nodes": [{"slug": me.slug, "name": me.name, "own": True, "late": 0}, *nodes], "links": links}


def related(*, slug: str) -> uuid.UUID | None:
    """The id of the enterprise with this slug, where there is or was a partnership with it. One query."""
    me = acting.home().id
    found = models.Partnership.objects.filter(Q(inviter=me, invitee__slug=slug) | Q(invitee=me, inviter__slug=slug))
    row = found.values_list("inviter_id", "invitee_id").first()
    return None if row is None else row[1] if row[0] == me else row[0]


# How soon to answer ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """One of two partners: within how many working hours he wants to be answered (0: whenever), when he is there himself, and who is responsible."""

    hours: int
    office: Office
    person: str


_ANSWERING = (
    "SELECT e.id, c.answer_hours, e.time_zone, e.country, o.days, o.opens, o.closes, o.subdivision, o.person FROM network_partnership p "
    "JOIN network_consent c ON c.partnership_id = p.id JOIN tenants_enterprise e ON e.id = c.enterprise_id "
    "LEFT JOIN network_office o ON o.enterprise_id = e.id WHERE (p.inviter_id, p.invitee_id) IN ((%s, %s), (%s, %s))"
)


def answering(*, id: uuid.UUID) -> Mapping[uuid.UUID, Answering]:
    """How soon the acting enterprise and the partner with this id answer each other, by their ids. One query, and the same for both."""
    me = acting.home().id
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERING, [me, id, id, me])
        return {row[0]: Answering(hours=row[1], office=_office(*row[2:8]), person=row[8] or "") for row in cursor.fetchall()}


_NOTICE = (
    "SELECT c.notice_days FROM network_partnership p JOIN network_consent c ON c.partnership_id = p.id "
    "WHERE (p.inviter_id, p.invitee_id) IN ((%s, %s), (%s, %s)) AND c.enterprise_id = %s"
)


def notice(*, id: uuid.UUID) -> int:
    """So many days before the date agreed the partner with this id wants to be asked for a change or a cancellation at the latest; 0: at any time."""
    me = acting.home().id
    with connection.cursor() as cursor:
        cursor.execute(_NOTICE, [me, id, id, me, id])
        return next((days for (days,) in cursor.fetchall()), 0)


def _office(zone: str, country: str, days: Any, opens: dt.time | None, closes: dt.time | None, subdivision: str | None) -> Office:
    if opens is None or closes is None:
        return Office(zone=zone, country=country)
    return Office(zone=zone, country=country, subdivision=subdivision or "", days=frozenset(json_of(days)), opens=opens, closes=closes)


def responsible(partner: Partner) -> str:
    """The person whom a partner has named as responsible for late answers; empty where there is none."""
    return models.Office.objects.filter(enterprise_id=partner.id).values_list("person", flat=True).first() or ""


def office() -> models.Office:
    """When the acting enterprise is there to answer; what it has never said is as usual."""
    me = acting.home().id
    return models.Office.objects.filter(enterprise_id=me).first() or models.Office(enterprise_id=me)


def subdivisions() -> Sequence[str]:
    """The subdivisions of the acting enterprise's country whose public holidays are known (ISO 3166-2)."""
    return known_countries().get(tenants.profile(acting.home().id).country, [])


# What is tolerated ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What holds at one place: for a partner, a group, or all; for an item of the buyer's (its number), or all. by, at: who has said this version."""

    partner: uuid.UUID | None
    group: str
    item: str
    version: int
    terms: Mapping[str, Term]
    by: str
    at: dt.datetime

    @property
    def rule(self) -> Rule:
        scope: Scope = "item" if self.item else "agreement" if self.partner else "group" if self.group else "default"
        return Rule(scope=scope, version=self.version, terms=self.terms)


_TOLERANCES = (
    "SELECT DISTINCT ON (partner_id, supplier_group, item) partner_id, supplier_group, item, version, terms, said_by, said_at FROM network_tolerance "
    "WHERE enterprise_id = %s ORDER BY partner_id NULLS FIRST, supplier_group, item, version DESC"
)


def said_tolerances(*, buyer: uuid.UUID) -> list[Tolerance]:
    """The newest version at each place where this buyer has said what he tolerates, as far as the acting enterprise reads it; the wider places first."""
    with connection.cursor() as cursor:
        cursor.execute(_TOLERANCES, [buyer])
        rows = cursor.fetchall()
    return [
        Tolerance(partner=partner, group=group, item=item, version=version, terms=read_terms(json_of(terms)), by=by, at=at)
        for partner, group, item, version, terms, by, at in rows
    ]


def tolerances(*, buyer: uuid.UUID, seller: uuid.UUID) -> list[Tolerance]:
    """What a buyer tolerates of a seller, one of whom is the acting enterprise: for all, for his group, for him, and for items. The narrower last."""
    said = said_tolerances(buyer=buyer)
    mine = models.Consent.objects.filter(enterprise_id=buyer).filter(
        Q(partnership__inviter=buyer, partnership__invitee=seller) | Q(partnership__inviter=seller, partnership__invitee=buyer)
    )
    group = mine.values_list("supplier_group", flat=True).first() or "" if any(each.group for each in said) else ""
    found = [each for each in said if each.terms and each.partner in (None, seller) and each.group in ("", group)]
    # Of two for the same item the one for this seller is the narrower.
    return sorted(found, key=lambda each: (bool(each.item), each.partner is not None, bool(each.group)))


def told_versions(*, partner: uuid.UUID | None, group: str, item: str) -> list[models.Tolerance]:
    """Every version that the acting enterprise has said at one place, the newest first."""
    me = acting.home().id
    return list(models.Tolerance.objects.filter(enterprise_id=me, partner_id=partner, supplier_group=group, item=item).order_by("-version"))


# Notices by mail ------------------------------------------------------------------------------------------------------

ANSWER_SALT = "tributary.answer-link"
_IDS, _SIGNED = 32, 64


def contacts() -> list[models.Contact]:
    """The addresses to which the acting enterprise is told by mail what waits for its answer, the oldest first."""
    return list(models.Contact.objects.filter(enterprise_id=acting.home().id))


def answer_token(link: models.AnswerLink) -> str:
    """What stands in the address of a one-time link: whose and which it is, signed over all that it is bound to. The same whenever it is asked for."""
    return base64.urlsafe_b64encode(link.enterprise_id.bytes + link.pk.bytes + _signature(link)).rstrip(b"=").decode()


def _signature(link: models.AnswerLink) -> bytes:
    bound = "\n".join(map(str, (link.enterprise_id, link.pk, link.document_type, link.document, link.email, link.expires_at.timestamp())))
    return salted_hmac(ANSWER_SALT, bound, algorithm="sha256").digest()


def enterprise_of_token(token: str) -> uuid.UUID | None:
    """Whose one-time link this says to be; nothing is proven by it. None where it is no token at all."""
    read = _read(token)
    return uuid.UUID(bytes=read[:16]) if read else None


def _read(token: str) -> bytes | None:
    try:
        read = base64.b64decode(token + "==", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return read if len(read) == _SIGNED else None


def answer_link(token: str) -> models.AnswerLink | None:
    """The acting enterprise's link with this token, whether or not it opens anything still; None where there is none, or the signature is not ours."""
    read = _read(token)
    link = models.AnswerLink.objects.filter(pk=uuid.UUID(bytes=read[16:_IDS])).first() if read else None
    return link if read and link and constant_time_compare(read[_IDS:], _signature(link)) and answer_token(link) == token else None


def enterprises_to_tell(*, at: dt.datetime) -> list[uuid.UUID]:
    """The enterprises for which mails with one-time links are due. As an operator."""
    return list(models.AnswerLink.objects.filter(send_at__lte=at).values_list("enterprise_id", flat=True).order_by().distinct())


# Invitations by mail --------------------------------------------------------------------------------------------------


def invitations() -> list[models.Invitation]:
    """The acting enterprise's invitations by mail that are open or too old, the newest first: neither accepted nor withdrawn."""
    return list(models.Invitation.objects.filter(inviter_id=acting.home().id, accepted_at=None, withdrawn_at=None))


def invitation(*, token: str) -> models.Invitation | None:
    """The invitation by mail with this token, with whoever invites, in whatever state. In the lobby."""
    return models.Invitation.objects.select_related("inviter").filter(token_hash=accounts.token_hash(token)).first()


def why_closed(invitation: models.Invitation, *, at: dt.datetime) -> str:
    """Why an invitation by mail is open no more: used, recalled, old, or gone (who invites has left or is suspended); empty where it is open."""
    inviter = invitation.inviter
    states = {
        "used": invitation.accepted_at is not None,
        "recalled": invitation.withdrawn_at is not None,
        "gone": not inviter.ready or inviter.suspended_at is not None,
        "old": invitation.expires_at <= at,
    }
    return next((why for why, holds in states.items() if holds), "")
