"""Partners: who is one, what was agreed, and the deeds by which that changes."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.base import acting, clock
from apps.base.asking import ask, summary, tell
from apps.base.findings import Invalid
from apps.base.pages import at_home, from_lobby, in_home, need, see_other
from apps.network import selectors, services
from apps.network.forms import AcceptForm, ContactForm, InviteForm, MailForm, OfficeForm, WishForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What one side may do to a partnership: in which state, and the question before it is done."""

    code: str
    label: Any
    state: str
    act: Callable[..., selectors.Partner]
    question: Any
    consequence: Any
    icon: str
    danger: bool = False


_DEEDS = (
    Deed(
        code="accept",
        label=gettext_lazy("Accept"),
        state="asked",
        act=services.accept,
        icon="check",
        question=gettext_lazy("Accept the invitation of %(name)s?"),
        consequence=gettext_lazy("From then on, what you have both agreed to is exchanged. Either of you can end it at any time."),
    ),
    Deed(
        code="decline",
        label=gettext_lazy("Decline"),
        state="asked",
        act=services.decline,
        icon="x",
        danger=True,
        question=gettext_lazy("Decline the invitation of %(name)s?"),
        consequence=gettext_lazy("Nothing is exchanged, and %(name)s sees that you have declined."),
    ),
    Deed(
        code="suspend",
        label=gettext_lazy("Suspend"),
        state="active",
        act=services.suspend,
        icon="player-pause",
        question=gettext_lazy("Suspend the partnership with %(name)s?"),
        consequence=gettext_lazy("Neither of you can send the other anything until it is resumed. Documents and history stay."),
    ),
    Deed(
        code="resume",
        label=gettext_lazy("Resume"),
        state="suspended",
        act=services.resume,
        icon="player-play",
        question=gettext_lazy("Resume the partnership with %(name)s?"),
        consequence=gettext_lazy("You withdraw your own suspension. If both have suspended, both must resume."),
    ),
    Deed(
        code="end",
        label=gettext_lazy("End"),
        state="active",
        act=services.end,
        icon="x",
        danger=True,
        question=gettext_lazy("End the partnership with %(name)s?"),
        consequence=gettext_lazy("Neither of you can send the other anything any more. Both keep their documents and their history."),
    ),
)
DEEDS = {deed.code: deed for deed in _DEEDS}


@in_home
@require_safe
def network(request: HttpRequest) -> HttpResponse:
    """Invitations, the chain as far as we know it, and the partners."""
    need("network.view")
    everybody = selectors.partners()
    open_invitations = [partner for partner in everybody if partner.state in ("asked", "invited")]
    chain = selectors.chain()
    for node in chain["nodes"]:
        node["url"] = reverse("network") if node["own"] else _address(node["slug"])
    context = {
        "invitations": [_invitation(partner) for partner in open_invitations],
        "partners": [_row(partner) for partner in everybody if partner not in open_invitations],
        "chain": chain,
        "invite_url": reverse("invite") if acting.actor().may("network.invite") else "",
        "mailed": [_mailed(row) for row in selectors.invitations()],
        "mail_url": reverse("invite_mail") if _may_mail() else "",
    }
    return render(request, "network/list.html", context)


def _may_mail() -> bool:
    return acting.actor().may("network.invite") and settings.OPEN_TO_INVITED


def _mailed(row: Any) -> dict[str, Any]:
    """An invitation by mail that nobody has accepted yet."""
    urls = {f"{deed}_url": reverse("invitation_deed", args=[row.pk, deed]) for deed in INVITATION_DEEDS} if acting.actor().may("network.invite") else {}
    return {"email": row.email, "role": selectors.ROLES[row.role], "at": row.created_at, "old": row.expires_at <= clock.now(), **urls}


def _address(slug: str) -> str:
    return reverse("partner", args=[slug])


def _labels(codes: tuple[str, ...]) -> list[str]:
    known = selectors.document_types()
    return [str(known.get(code, code)) for code in codes]


def _row(partner: selectors.Partner) -> dict[str, Any]:
    return {
        "slug": partner.slug,
        "name": partner.name,
        "gln": partner.gln,
        "city": partner.city,
        "country": partner.country,
        "role_labels": [str(selectors.ROLES[partner.role])],
        "state": selectors.STATES[partner.state],
        "document_types": _labels(partner.document_types),
        "since": partner.since,
        "answer_hours": partner.answer_hours,
        "their_answer_hours": partner.their_answer_hours,
        "notice_days": partner.notice_days,
        "their_notice_days": partner.their_notice_days,
        "group": partner.group,
        "url": _address(partner.slug),
    }


def _invitation(partner: selectors.Partner) -> dict[str, Any]:
    incoming = partner.state == "asked"
    urls = {}
    if incoming and acting.actor().may("network.consent"):
        urls = {f"{code}_url": reverse("partner_deed", args=[partner.slug, code]) for code in ("accept", "decline")}
    return {**_row(partner), "incoming": incoming, "text": partner.message, "at": partner.since, **urls}


@in_home
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Invite an enterprise, known by its short name."""
    need("network.invite")
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            found = services.invite(**form.cleaned_data, by=acting.actor(), at=clock.now())
        except Invalid as refusal:
            tell(form, refusal, {"/partner": "slug"})
        else:
            messages.success(request, _("%(name)s was invited.") % {"name": found.name})
            return see_other(reverse("network"))
    context = {"form": form, "errors_summary": summary(form), "back_url": reverse("network"), "back_label": _("Network")}
    context["mail_url"] = reverse("invite_mail") if _may_mail() else ""
    return render(request, "network/invite.html", context, status=422 if form.errors else 200)


@in_home
@require_http_methods(["GET", "POST"])
def invite_mail(request: HttpRequest) -> HttpResponse:
    """Invite an enterprise that is not here yet, by mail."""
    need("network.invite")
    form = MailForm(request.POST if request.method == "POST" else None, initial={"language": acting.home().language})
    if request.method == "POST" and form.is_valid():
        try:
            services.invite_by_mail(**form.cleaned_data, by=acting.actor(), at=clock.now())
        except Invalid as refusal:
            tell(form, refusal)
        except services.InvitationNotSent as trouble:
            messages.warning(request, str(trouble))
            return see_other(reverse("network"))
        else:
            messages.success(request, _("%(email)s was invited by mail.") % {"email": form.cleaned_data["email"]})
            return see_other(reverse("network"))
    context = {"form": form, "errors_summary": summary(form), "back_url": reverse("network"), "back_label": _("Network"), "days": services.INVITATION_DAYS}
    return render(request, "network/invite_mail.html", context, status=422 if form.errors else 200)


INVITATION_DEEDS: dict[str, tuple[Callable[..., Any], Any]] = {
    "again": (services.invite_by_mail_again, gettext_lazy("%(email)s was invited by mail.")),
    "withdraw": (services.withdraw_invitation, gettext_lazy("The invitation of %(email)s was withdrawn.")),
}


@in_home
@require_POST
def invitation_deed(request: HttpRequest, id: uuid.UUID, deed: str) -> HttpResponse:
    """Send an invitation by mail once more, or take it back."""
    need("network.invite")
    if deed not in INVITATION_DEEDS:
        raise Http404
    act, words = INVITATION_DEEDS[deed]
    try:
        row = act(invitation=id, by=acting.actor(), at=clock.now())
    except services.InvitationNotSent as trouble:
        messages.warning(request, str(trouble))
        return see_other(reverse("network"))
    if row is None:
        raise Http404
    messages.success(request, words % {"email": row.email})
    return see_other(reverse("network"))


def _known(slug: str) -> selectors.Partner:
    """A partnership of ours, in whatever state; foreign and missing look alike."""
    found = selectors.known(slug=slug)
    if found is None:
        raise Http404
    return found


@in_home
@require_safe
def partner(request: HttpRequest, slug: str) -> HttpResponse:
    """One partner: who he is, what was agreed, and where his documents are."""
    need("network.view")
    found = _known(slug)
    may = acting.actor().may
    public = selectors.public_profile(found)
    deeds = [deed for deed in DEEDS.values() if deed.state == found.state and may("network.consent")]
    context = {
        "partner": {**_row(found), "tax_number": public.tax_number},
        "endpoints": [{"scheme": scheme, "id": value} for scheme, value in public.endpoints],
        "moves": [
            {"url": reverse("partner_deed", args=[slug, deed.code]), "label": deed.label, "icon": deed.icon, "tone": "danger" if deed.danger else ""}
            for deed in deeds
        ],
        "figures": selectors.figures(found),
        "recent": selectors.recent(found),
        "pages": selectors.pages(found),
        "wish_url": reverse("partner_wish", args=[slug]) if found.answer_hours is not None and may("network.consent") else "",
        "responsible": selectors.responsible(found),
        "items_url": f"{reverse('catalogue')}?{urlencode({'partner': slug})}" if may("catalog.view") else "",
    }
    return render(request, "network/partner.html", context)


@in_home
@require_http_methods(["GET", "POST"])
def deed(request: HttpRequest, slug: str, deed: str) -> HttpResponse:
    """Accept, decline, suspend, resume or end: first the question, then the deed."""
    need("network.consent")
    found, wanted = _known(slug), DEEDS.get(deed)
    if wanted is None:
        raise Http404
    if found.state != wanted.state:
        messages.error(request, _("This is not possible now: the partnership is “%(state)s”.") % {"state": selectors.STATES[found.state].label})
        return see_other(_address(slug))
    form = AcceptForm(request.POST if request.method == "POST" else None, proposed=found.document_types) if wanted.code == "accept" else None
    if request.method == "POST" and (form is None or form.is_valid()):
        return _do(request, found, wanted, {} if form is None else form.cleaned_data)
    words = {"name": found.name}
    return ask(
        request, question=wanted.question % words, consequence=wanted.consequence % words, submit=str(wanted.label), danger=wanted.danger,
        back_url=_address(slug), back_label=found.name, form=form,
    )  # fmt: skip


def _do(request: HttpRequest, found: selectors.Partner, wanted: Deed, more: dict[str, Any]) -> HttpResponse:
    try:
        now = wanted.act(partnership=found.partnership_id, **more, by=acting.actor(), at=clock.now())
    except services.ConsentRefused as refusal:
        messages.error(request, str(refusal))
    else:
        words = {"name": found.name, "state": selectors.STATES[now.state].label}
        messages.success(request, _("The partnership with %(name)s: %(state)s.") % words)
    return see_other(_address(found.slug))


@from_lobby
@require_http_methods(["GET", "POST"])
def office(request: HttpRequest) -> HttpResponse:
    """When somebody is there to answer, and who hears of it where no answer comes."""
    with at_home(request):
        need("settings.view")
        held, may_change = selectors.office(), acting.actor().may("settings.change")
        initial = {name: getattr(held, name) for name in ("days", "opens", "closes", "subdivision", "person", "email")}
        form = OfficeForm(request.POST if request.method == "POST" else None, initial=initial)
        if request.method == "POST":
            need("settings.change")
            if form.is_valid() and _kept(form):
                messages.success(request, _("Saved."))
                return see_other(reverse("office"))
        context = {"form": form, "may_change": may_change, "errors_summary": summary(form), "time_zone": acting.home().time_zone}
        return render(request, "settings/office.html", context, status=422 if form.errors else 200)


def _kept(form: OfficeForm) -> bool:
    try:
        services.save_office(**form.cleaned_data, by=acting.actor(), at=clock.now())
    except Invalid as refusal:
        tell(form, refusal)
        return False
    return True


@in_home
@require_http_methods(["GET", "POST"])
def wish(request: HttpRequest, slug: str) -> HttpResponse:
    """How soon a partner shall answer, and until when he may ask for changes."""
    need("network.consent")
    found = _known(slug)
    form = WishForm(
        request.POST if request.method == "POST" else None, initial={"answer_hours": found.answer_hours, "notice_days": found.notice_days, "group": found.group}
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.say_wishes(partnership=found.partnership_id, **form.cleaned_data, by=acting.actor(), at=clock.now())
        except Invalid as refusal:
            tell(form, refusal)
        except services.ConsentRefused as refusal:
            messages.error(request, str(refusal))
            return see_other(_address(slug))
        else:
            messages.success(request, _("Saved."))
            return see_other(_address(slug))
    context = {"form": form, "errors_summary": summary(form), "back_url": _address(slug), "back_label": found.name}
    return render(request, "network/wish.html", context, status=422 if form.errors else 200)


@from_lobby
@require_http_methods(["GET", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """Who is told by mail what waits for an answer, with a link by which he can give it without an account."""
    with at_home(request):
        need("settings.view")
        form = ContactForm(request.POST if request.method == "POST" else None, initial={"language": acting.home().language})
        if request.method == "POST":
            need("settings.change")
            if form.is_valid() and _told_from_now_on(form):
                messages.success(request, _("%(email)s is told by mail from now on.") % {"email": form.cleaned_data["email"]})
                return see_other(reverse("notices"))
        may_change = acting.actor().may("settings.change")
        rows = [{"email": row.email, "language": row.get_language_display(), "id": row.pk} for row in selectors.contacts()]
        context = {"contacts": rows, "form": form if may_change else None, "errors_summary": summary(form), "days": services.LINK_DAYS}
        return render(request, "settings/notices.html", context, status=422 if form.errors else 200)


def _told_from_now_on(form: ContactForm) -> bool:
    try:
        services.add_contact(**form.cleaned_data, by=acting.actor(), at=clock.now())
    except Invalid as refusal:
        tell(form, refusal)
        return False
    return True


@from_lobby
@require_POST
def notice_end(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Tell an address nothing more."""
    with at_home(request):
        need("settings.change")
        if not services.remove_contact(contact=id, by=acting.actor(), at=clock.now()):
            raise Http404
        messages.success(request, _("Removed: its links open nothing any more."))
        return see_other(reverse("notices"))
