"""Questions about partners: who is one, in which documents, and as what."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _

from apps.base import acting
from apps.network import models
from apps.tenants import selectors as tenants
from apps.tenants.selectors import Listed

MIRROR = {"supplier": "customer", "customer": "supplier", "carrier": "customer"}


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
    """The active partner with this slug or id, with whom this type of document (its code) may be exchanged. Raises NoPartner: foreign, missing and not allowed read alike."""
    listed = tenants.find(slug=slug) if id is None else tenants.listed([id]).get(id)
    found = partners(only=listed.id) if listed and listed.id != acting.home().id else []
    if found and found[0].state == "active" and (document_type is None or document_type in found[0].document_types):
        return found[0]
    if found and found[0].state == "active":
        raise NoPartner(_("You and “%(name)s” have not agreed to exchange this kind of document.") % {"name": found[0].name})
    raise NoPartner(_("“%(slug)s” is no partner of yours. Invite the enterprise under Network first.") % {"slug": str(slug or "")[:60]})


def agreed(*, id: uuid.UUID, document_type: str) -> uuid.UUID:
    """The partnership in which this type of document may be said to the partner with this id, in one query. Raises NoPartner."""
    me = acting.home().id
    with connection.cursor() as cursor:
        cursor.execute(_AGREED, [me, id, id, me, f'["{document_type}"]'])
        row = cursor.fetchone()
    if row is None:
        return partner(id=id, document_type=document_type).partnership_id
    return row[0]  # type: ignore[no-any-return]


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
