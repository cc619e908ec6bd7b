"""The maker's configurator for everybody: no login, no cookie that is needed, nothing that is written."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import condition, require_safe

from apps.base.acting import Actor, Home, act_as
from apps.base.findings import Invalid
from apps.base.pages import is_part
from apps.customisation import selectors, services
from apps.customisation.views.configuring import as_picture, digest_in_name
from apps.customisation.views.presenting import Shown, choices_of, configured, focus_of, product_card, wanted_of
from apps.tenants import selectors as tenants

# Who looks without having said who he is: he may do nothing, and the views show him what is public.
VISITOR = Actor(kind="person", name="Visitor")
KEPT_SECONDS = 30


def _home_or_404(slug: str) -> Home:
    found = tenants.home(slug=slug)
    if found is None:
        raise Http404
    return found


def _page(request: HttpRequest, template: str, context: Mapping[str, Any], home: Home) -> HttpResponse:
    """The page, rendered in the lobby: whatever it shows of the home has been read before."""
    around = {"maker": {"name": home.name, "slug": home.slug}, "languages": settings.LANGUAGES, "home_url": reverse("public_products", args=[home.slug])}
    response = render(request, template, {**context, **around})
    patch_cache_control(response, private=True, max_age=KEPT_SECONDS)
    patch_vary_headers(response, ["Accept-Language", "Cookie", "HX-Request"])
    return response


@require_safe
def products(request: HttpRequest, slug: str) -> HttpResponse:
    """The public products of a maker."""
    home = _home_or_404(slug)
    with act_as(home, by=VISITOR):
        told = [row for row in services.products(seller=services.seller_of(None)) if row["public"]]
    if not told:
        raise Http404
    cards = [product_card(row, url=reverse("public_product", args=[slug, row["code"]]), picture=_picture(slug)) for row in told]
    return _page(request, "public/products.html", {"products": cards}, home)


def _picture(slug: str) -> Any:
    return lambda name: reverse("public_picture", args=[slug, name])


@require_safe
def product(request: HttpRequest, slug: str, code: str) -> HttpResponse:
    """A public product with what was chosen so far in the address; `share` begins with what stands behind a link."""
    home = _home_or_404(slug)
    wanted = wanted_of(request.GET)
    with act_as(home, by=VISITOR):
        found = selectors.product(code=code)
        if found is None or not found.public or found.release_id is None:
            raise Http404
        choices, release = _begun(request, code, home)
        try:
            told, dropped = configured(seller=services.seller_of(None), product=code, choices=choices, release=release, wanted=wanted)
        except Invalid as refusal:
            raise Http404 from refusal
    carried = {"share": request.GET["share"]} if release is not None else {}
    shown = Shown(told, picture=_picture(slug), wanted=wanted, carried=carried, focus=focus_of(request.GET))
    context = shown.context()
    link = request.build_absolute_uri(f"{request.path}{context['query']}")
    more = {"share_url": link, "page_url": request.path, "seller": told.seller, "is_public": True, "dropped": [finding.detail for finding in dropped]}
    inside = f"{reverse('configurator', args=[slug, code])}{context['query']}"
    whole = not is_part(request) or request.headers.get("HX-History-Restore-Request") == "true"
    return _page(request, "public/configurator.html" if whole else "configure/_configurator.html", {**context, **more, "inside_url": inside}, home)


def _begun(request: HttpRequest, code: str, home: Home) -> tuple[Mapping[str, str | None], int | None]:
    """The choices in the address; else those of the configuration behind a link, with its release."""
    row = selectors.shared(token=request.GET.get("share", "")[:64]) if request.GET.get("share") else None
    if row is None or row.product != code or row.seller_id != home.id:
        return choices_of(request.GET), None
    return (choices_of(request.GET) if "on" in request.GET else row.choices), row.release


@require_safe
@condition(etag_func=digest_in_name)
def picture(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """A picture of a public product, or of one of its options."""
    home = _home_or_404(slug)
    with act_as(home, by=VISITOR):
        if not selectors.is_public_picture(name=name):
            raise Http404
        try:
            media_type, content = services.read_picture(name=name)
        except services.NoSuchPicture as error:
            raise Http404 from error
    response = as_picture(media_type, content)
    patch_cache_control(response, public=True, max_age=86400, immutable=True)
    return response
