"""Answering by a one-time link: no session, one document, and of its moves only those that a link makes. Looking does not use it up."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from apps.base import clock, limiting, retrying
from apps.base.acting import Home, act_as
from apps.base.findings import Invalid
from apps.base.pages import caller, see_other
from apps.base.problems import problem_of
from apps.documents import forms, selectors
from apps.documents import services as documents
from apps.documents.forms import MoveForm, Typed
from apps.documents.selectors import Whole
from apps.documents.views.moving import LINE_FORMS, MOST_FORM_LINES, data_of, forms_of, lines_for, proposed, too_long_to_show
from apps.documents.views.presenting import head_of, partner_name
from apps.documents.vocabulary import Move
from apps.network import selectors as network
from apps.network.services import LinkEnded
from apps.tenants import selectors as tenants

Page = tuple[str, Mapping[str, Any], int]
DEAD, FORM = "documents/answer_dead.html", "documents/answer.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A link that is ours, whether or not it opens anything still. token: as it stands in the address."""

    token: str
    home: Home
    link: Any

    @property
    def over(self) -> bool:
        return self.link.ended_at is not None or self.link.expires_at <= clock.now()


def _by_link(view: Callable[[HttpRequest, Opened], Page | HttpResponse]) -> Callable[..., HttpResponse]:
    """A page behind a link. Tokens that are not ours are counted as guesses at sign-ins are; nothing of it is kept."""

    @functools.wraps(view)
    @never_cache
    @sensitive_variables()
    def entered(request: HttpRequest, token: str) -> HttpResponse:
        counted = ("sign-ins-of-address", f"links of {caller(request)}")
        try:
            limiting.take(counted)
        except limiting.TooMany as error:
            response = _rendered(request, (DEAD, {"why": "often", "sentence": str(error)}, 429), "")
            response["Retry-After"] = str(error.wait)
            return response
        opened = _opened(token)
        if opened is None:
            return _rendered(request, (DEAD, {"why": "unknown"}, 404), "")
        limiting.give_back(counted)
        chosen = "" if settings.LANGUAGE_COOKIE_NAME in request.COOKIES else opened.link.language
        with translation.override(chosen or translation.get_language()):
            made = view(request, opened)
            return made if isinstance(made, HttpResponse) else _rendered(request, made, chosen)

    return entered


def _rendered(request: HttpRequest, page: Page, language: str) -> HttpResponse:
    """The page, rendered in the lobby: what it shows of the home has been read before."""
    template, context, status = page
    request.LANGUAGE_CODE = language or request.LANGUAGE_CODE
    response = render(request, template, {**context, "languages": settings.LANGUAGES}, status=status)
    response["X-Robots-Tag"] = "noindex"
    return response


def _opened(token: str) -> Opened | None:
    enterprise = network.enterprise_of_token(token)
    home = tenants.home(id=enterprise) if enterprise else None
    if home is None:
        return None
    with act_as(home):
        link = network.answer_link(token)
    return Opened(token=token, home=home, link=link) if link else None


def _dead(link: Any) -> Page:
    why = "used" if link.used else "withdrawn" if link.ended_at else "old"
    return DEAD, {"why": why, "at": link.ended_at or link.expires_at}, 410


@require_http_methods(["GET", "POST"])
@_by_link
def answer(request: HttpRequest, opened: Opened) -> Page | HttpResponse:
    """GET shows the one document and asks for the answer; POST gives it, or acknowledges, and uses the link up."""
    if opened.over:
        return _dead(opened.link)
    by = documents.actor_of(document_type=opened.link.document_type, email=opened.link.email)
    with act_as(opened.home, by=by):
        whole = selectors.whole(id=opened.link.document, type=opened.link.document_type)
        moves = documents.moves_by_link(whole.type, state=whole.head["state"], side=whole.head["side"]) if whole else []
        if whole is None or not moves:
            return DEAD, {"why": "withdrawn", "at": whole.head["updated_at"] if whole else None}, 410
        if request.method != "POST":
            return _ask(opened, whole, moves, proposed(whole, moves[0]))
        declared = next((move for move in moves if move.code == request.POST.get("move", moves[0].code)), None)
        if declared is None:
            return _ask(opened, whole, moves, proposed(whole, moves[0]), status=422)
        return _posted(request, opened, whole, moves, declared)


@require_safe
@_by_link
def done(request: HttpRequest, opened: Opened) -> Page | HttpResponse:
    """What is shown to whoever has just answered."""
    if not opened.link.used:
        return see_other(reverse("answer", args=[opened.token]))
    return "documents/answer_done.html", {"own_name": opened.home.name, "email": opened.link.email, "at": opened.link.ended_at}, 200


def _posted(request: HttpRequest, opened: Opened, whole: Whole, moves: list[Move], declared: Move) -> Page | HttpResponse:
    typed = forms.read(request.POST, head=MoveForm, line=LINE_FORMS.get(declared.effect, LINE_FORMS["offer"]))
    for row in typed.rows:
        # Whether a number is an item of ours is told to those who work here.
        row.values["substitute"] = ""
    if declared.effect not in LINE_FORMS or "accept_all" in request.POST:
        typed.rows = []
    elif len(typed.rows) != len(lines_for(whole, declared)) or len(typed.rows) > MOST_FORM_LINES:
        return _ask(opened, whole, moves, proposed(whole, declared), status=422)
    if typed.change(request.POST):
        return _ask(opened, whole, moves, typed)
    return _make(request, opened, whole, moves, declared, typed)


def _make(request: HttpRequest, opened: Opened, whole: Whole, moves: list[Move], declared: Move, typed: Typed) -> Page | HttpResponse:
    head, lines = forms_of(whole, declared, typed, bound=True)
    if not all([head.is_valid(), *(line.is_readable() for line in lines)]):
        return _ask(opened, whole, moves, typed, shown=(head, lines), errors=forms.unreadable(head, lines), status=422)
    sent, data = data_of(whole, declared, typed)
    by, at, link = documents.actor_of(document_type=whole.type.code, email=opened.link.email), clock.now(), opened.link.pk
    try:
        retrying.whole(lambda: documents.answer_by_link(link=link, document=whole.id, move=declared.code, data=data, by=by, at=at))
    except Invalid as error:
        return _ask(opened, whole, moves, typed, shown=(head, lines), errors=forms.place(error, head, lines, sent), status=422)
    except (LinkEnded, documents.NotAllowed):
        # Somebody was quicker: by this link, or in the portal.
        again = _opened_again(opened)
        return _dead(again) if again.ended_at or again.expires_at <= at else (DEAD, {"why": "withdrawn", "at": at}, 410)
    except Exception as error:
        refused = problem_of(error)
        if refused is None:
            raise
        errors = [{"text": refused.detail(error), "field_id": ""}]
        return _ask(opened, whole, moves, typed, errors=errors, status=409)
    messages.success(request, _("Done: %(move)s.") % {"move": declared.label})
    return see_other(reverse("answer_done", args=[opened.token]))


def _opened_again(opened: Opened) -> Any:
    return network.answer_link(opened.token) or opened.link


def _said(whole: Whole) -> str:
    """Why the partner asks, in his words."""
    said = [step["data"].get("reason") for step in selectors.history(id=whole.id) if not step["own"] and step["said"]]
    return str(said[-1] or "") if said else ""


def _ask(opened: Opened, whole: Whole, moves: list[Move], typed: Typed, *, shown: Any = None, errors: Any = (), status: int = 200) -> Page:
    """The form: what was asked, an answer to each line, and what else a link can do."""
    first = moves[0]
    typed.rows = typed.rows or proposed(whole, first).rows
    head, lines = shown if shown and shown[1] else forms_of(whole, first, typed, bound=False)
    for entry in lines:
        entry.form.fields.pop("substitute", None)
    context = {
        "document": head_of(whole.type, whole.head, partner=partner_name(whole.head["partner_id"]), lines=whole.lines),
        "move": first,
        "others": moves[1:],
        "form": head,
        "lines": lines,
        "needs_lines": first.effect in LINE_FORMS,
        "said": _said(whole),
        "too_long": too_long_to_show(whole) if first.effect in LINE_FORMS and not lines else "",
        "errors_summary": errors,
        "own_name": opened.home.name,
        "email": opened.link.email,
        "until": opened.link.expires_at,
        "url": reverse("answer", args=[opened.token]),
    }
    return FORM, context, status
