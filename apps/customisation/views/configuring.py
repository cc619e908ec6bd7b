"""Choosing a product and configuring it: one's own and the partners'."""

import base64
import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import condition, require_http_methods, require_safe

from apps.base import acting, clock, retrying
from apps.base.findings import Invalid
from apps.base.pages import in_home, is_part, need, see_other
from apps.customisation import selectors, services
from apps.customisation.models import Configuration
from apps.customisation.services import Seller
from apps.customisation.services.configuring import in_reader_words
from apps.customisation.views.presenting import Shown, choices_of, configured, focus_of, own_picture, product_card, quote_url, wanted_of
from apps.exchange import services as exchange
from apps.network import selectors as network

MOST_RECENT = 20


def seller_or_404(slug: str) -> Seller:
    try:
        return services.seller_of(slug)
    except network.NoPartner as error:
        raise Http404 from error


@in_home
@require_safe
def configure(request: HttpRequest) -> HttpResponse:
    """What can be configured here: one's own products, and the partners'; and what was configured last."""
    need("configuration.view")
    sellers = [services.seller_of(None)]
    sellers += [services.seller_with(partner.id) for partner in network.active() if services.DOCUMENT_TYPE in partner.document_types]
    offers = [_offer(request, seller) for seller in sellers]
    context = {
        "offers": [offer for offer in offers if offer["products"]],
        "silent": [offer for offer in offers if offer["silent"]],
        "recent": _recent(),
        "products_url": reverse("products") if acting.actor().may("product.change") else "",
    }
    return render(request, "configure/list.html", context)


def _offer(request: HttpRequest, seller: Seller) -> dict[str, Any]:
    """A seller with his products; silent: why he does not tell them."""
    try:
        found, silent = services.products(seller=seller), ""
    except (exchange.NoAnswer, network.NoPartner) as error:
        found, silent = [], str(error)
    picture = own_picture(request, seller)
    cards = [product_card(row, url=reverse("configurator", args=[seller.slug, row["code"]]), picture=picture) for row in found]
    return {"name": seller.name, "slug": seller.slug, "own": seller.own, "products": cards, "silent": silent}


def _recent() -> list[dict[str, Any]]:
    rows = list(selectors.configurations()[:MOST_RECENT])
    names = network.names([row.seller_id for row in rows])
    return [
        {
            "url": reverse("configuration", args=[row.pk]),
            "product": row.label,
            "text": in_reader_words(row.text) if row.text else "",
            "seller": names[row.seller_id].name if row.seller_id in names else "–",
            "amount": row.amount,
            "currency": row.currency,
            "complete": row.complete,
            "valid": row.valid,
            "by": row.created_by,
            "at": row.changed_at,
        }
        for row in rows
    ]


# The configurator --------------------------------------------------------------------------------------------------------


@in_home
@require_http_methods(["GET", "HEAD", "POST"])
def configurator(request: HttpRequest, seller: str, product: str) -> HttpResponse:
    """A product with what was chosen so far in the address; a POST keeps it, and goes on to a quote where that is wanted."""
    need("configuration.view")
    maker = seller_or_404(seller)
    if request.method == "POST":
        return _keep(request, maker, product, None)
    return _show(request, maker, product, None, choices_of(request.GET))


@in_home
@require_http_methods(["GET", "HEAD", "POST"])
def configuration(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """A configuration that was kept, to look at and to go on with."""
    need("configuration.view")
    row = selectors.configuration(id=uid)
    if row is None:
        raise Http404
    maker = services.seller_with(row.seller_id)
    if request.method == "POST":
        return _keep(request, maker, row.product, row)
    return _show(request, maker, row.product, row, choices_of(request.GET) if "on" in request.GET else row.choices)


@in_home
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Who has the link and works here sees the configuration."""
    row = selectors.shared(token=token)
    if row is None:
        raise Http404
    return redirect("configuration", row.pk)


def _show(request: HttpRequest, maker: Seller, product: str, row: Configuration | None, choices: Mapping[str, str | None]) -> HttpResponse:
    wanted, carried = wanted_of(request.GET), _carried(request, maker, row)
    release = row.release if row else _number(carried.get("release", ""))
    try:
        # One transaction for all that is asked: what is told belongs together, and each home is entered once.
        with transaction.atomic():
            told, dropped = configured(seller=maker, product=product, choices=choices, release=release, wanted=wanted, draft="draft" in carried)
            estimate = services.estimate(told)
    except Invalid as refusal:
        if any(finding.pointer in ("/product", "/release") for finding in refusal.findings) and row is None:
            raise Http404 from refusal
        return _silent(request, refusal.findings[0].detail)
    except (exchange.NoAnswer, network.NoPartner) as error:
        return _silent(request, str(error))
    shown = Shown(told, picture=own_picture(request, maker), wanted=wanted, estimate=estimate, carried=carried, focus=focus_of(request.GET))
    page = {**shown.context(), **_around(request, maker, row, is_draft="draft" in carried), "dropped": [finding.detail for finding in dropped]}
    return render(request, "configure/_configurator.html" if _is_swap(request) else "configure/configurator.html", page)


def _carried(request: HttpRequest, maker: Seller, row: Configuration | None) -> dict[str, str]:
    """What the address says beside the choices: an older release, or the draft, which the maker alone may try."""
    if row is None and "draft" in request.GET and maker.own and acting.actor().may("product.change"):
        return {"draft": "1"}
    number = _number(request.GET.get("release", ""))
    return {"release": str(number)} if row is None and number is not None else {}


def _is_swap(request: HttpRequest) -> bool:
    """Whether the configurator alone is asked for; who comes back by the browser's history wants the whole page."""
    return is_part(request) and request.headers.get("HX-History-Restore-Request") != "true"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _around(request: HttpRequest, maker: Seller, row: Configuration | None, *, is_draft: bool = False) -> dict[str, Any]:
    """What stands beside the product: whose it is, the link to share, and what can be done next."""
    may_keep = acting.actor().may("configuration.change") and not is_draft
    public = reverse("public_product", args=[maker.slug, row.product]) if row and maker.own else ""
    return {
        "seller": maker,
        "is_draft": is_draft,
        "page_url": request.path,
        "keep_url": request.path if may_keep else "",
        "kept": row,
        "share_url": request.build_absolute_uri(reverse("configuration_shared", args=[row.token])) if row else "",
        "public_url": request.build_absolute_uri(f"{public}?share={row.token}") if row and public and _is_public(row.product) else "",
        "can_quote": bool(may_keep and quote_url("")),
        "edit_url": reverse("product", args=[row.product if row else _product_in(request)]) if maker.own and acting.actor().may("product.change") else "",
    }


def _product_in(request: HttpRequest) -> str:
    return request.path.rstrip("/").rpartition("/")[2]


def _is_public(code: str) -> bool:
    found = selectors.product(code=code)
    return bool(found and found.public and found.release_id)


def _silent(request: HttpRequest, why: str) -> HttpResponse:
    """The seller does not answer, or sells this no more."""
    return render(request, "configure/silent.html", {"why": why, "back_url": reverse("configure")}, status=409)


def _keep(request: HttpRequest, maker: Seller, product: str, row: Configuration | None) -> HttpResponse:
    need("configuration.change")
    choices = choices_of(request.POST)
    try:
        kept = retrying.whole(lambda: _save(maker, product, row, choices))
    except (Invalid, exchange.NoAnswer, network.NoPartner) as error:
        if isinstance(error, Invalid) and row is None and any(finding.pointer == "/product" for finding in error.findings):
            raise Http404 from error
        return _silent(request, error.findings[0].detail if isinstance(error, Invalid) else str(error))
    target = quote_url(kept.pk) if "quote" in request.POST else ""
    if not target:
        messages.success(request, _("Kept. The link below leads back to it."))
    return see_other(target or reverse("configuration", args=[kept.pk]))


def _save(maker: Seller, product: str, row: Configuration | None, choices: Mapping[str, str | None]) -> Configuration:
    if row is None:
        return services.save_configuration(seller=maker, product=product, choices=choices, by=acting.actor(), at=clock.now())[0]
    # What is not said any more is taken back.
    changes = {**dict.fromkeys(row.choices, ""), **choices}
    return services.change_configuration(id=row.pk, choices=changes, by=acting.actor(), at=clock.now())[0]


def digest_in_name(request: HttpRequest, *_args: Any, name: str, **_kwargs: Any) -> str:
    return f'"{name}"'


@in_home
@require_safe
@condition(etag_func=digest_in_name)
def picture(request: HttpRequest, seller: str, name: str) -> HttpResponse:
    """A picture of a product: its name is the digest of its content, so it never changes."""
    need("configuration.view")
    try:
        media_type, content = services.picture(seller=seller_or_404(seller), name=name)
    except (Invalid, exchange.NoAnswer, network.NoPartner) as error:
        raise Http404 from error
    return as_picture(media_type, base64.b64decode(content))


def as_picture(media_type: str, content: bytes) -> HttpResponse:
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
    return HttpResponse(content, content_type=media_type, headers=headers)
