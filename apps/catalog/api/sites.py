"""REST for an enterprise's own sites."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from apps.base import acting, clock
from apps.base.api import ApiView, given, uuid_of
from apps.base.describing import may_be, operation, page_of, parameter, shape, text, uid, yes
from apps.base.inputs import check_names
from apps.base.paging import everything
from apps.catalog import models, selectors, services
from apps.tenants import selectors as tenants

FIELDS = ("code", "name", "name_zh", "gln", "address", "city", "country", "time_zone", "main")
BODY: Mapping[str, Any] = dict.fromkeys(FIELDS)
_MORE: Mapping[str, Any] = {
    "name_zh": _("The name in Chinese."),
    "gln": _("13 digits, the last a check digit."),
    "address": "",
    "city": "",
    "country": _("ISO 3166-1, two letters."),
    "time_zone": _("Of the IANA database, as “Europe/Berlin”; the enterprise's own where it is not said."),
}
_CODE, _MAIN = _("Your own short name of the place."), _("There is one main site.")
SiteShape = shape("Site", uid=uid(_("Null for the enterprise itself, which is its one site as long as it names no others."), allow_null=True),
                  code=text(_CODE), name=text(), **{name: text(help) for name, help in _MORE.items()}, main=yes(_MAIN))  # fmt: skip
_OPTIONAL = {**{name: (text, help) for name, help in _MORE.items()}, "main": (yes, _MAIN)}
SiteEntered = shape("SiteEntered", code=text(_CODE), name=text(), **{name: may_be(make, help) for name, (make, help) in _OPTIONAL.items()})
SiteChanged = shape("SiteChanged", code=may_be(text, _CODE), name=may_be(text), **{name: may_be(make, help) for name, (make, help) in _OPTIONAL.items()})
SITE = parameter("uid", _("The site's uid."), kind=OpenApiTypes.UUID, place=OpenApiParameter.PATH)
_NEEDS = {"get": "catalog.view", "head": "catalog.view", "post": "catalog.structure", "patch": "catalog.structure", "delete": "catalog.structure"}


def told(site: models.Site) -> dict[str, Any]:
    return {"uid": site.pk, **{name: getattr(site, name) for name in FIELDS}}


def _itself() -> dict[str, Any]:
    """The enterprise as its own one site."""
    home, found = acting.home(), tenants.profile(acting.home().id)
    known = {"name": found.name, "gln": found.gln, "city": found.city, "country": found.country, "time_zone": home.time_zone}
    return {"uid": None, **dict.fromkeys(FIELDS, ""), **known, "main": True}


@extend_schema_view(
    get=operation("site_list", _("Sites: list"), tags=["sites"], answers={200: page_of("Site", SiteShape)}),
    post=operation(
        "site_enter",
        _("Sites: enter one"),
        tags=["sites"],
        answers={201: SiteShape},
        body=SiteEntered,
        writes=True,
        example={"code": "HB1", "name": "Bremen plant", "city": "Bremen", "country": "DE", "time_zone": "Europe/Berlin", "main": True},
    ),
)
class SiteCollection(ApiView):
    needs = _NEEDS

    def get(self, request: Request) -> Response:
        """An enterprise is its own one site, as long as it has named no others."""
        return Response(everything([told(site) for site in selectors.sites()] or [_itself()]))

    def post(self, request: Request) -> Response:
        check_names(given(request), BODY)
        site = services.save_site(**{"code": None, "name": None, **given(request)}, by=acting.actor(), at=clock.now())
        return Response(told(site), status=201)


@extend_schema_view(
    get=operation("site_read", _("Site: read"), tags=["sites"], answers={200: SiteShape}, refused=[404], parameters=[SITE]),
    patch=operation(
        "site_change",
        _("Site: change"),
        tags=["sites"],
        answers={200: SiteShape},
        body=SiteChanged,
        refused=[404],
        writes=True,
        parameters=[SITE],
        example={"address": "Hafenstraße 7"},
    ),
    delete=operation("site_remove", _("Site: remove"), tags=["sites"], answers={204: None}, refused=[404, 422], parameters=[SITE]),
)
class SiteDetail(ApiView):
    needs = _NEEDS

    def _site(self, uid: str) -> models.Site:
        site = selectors.site(id=uuid_of(uid))
        if site is None:
            raise Http404
        return site

    def get(self, request: Request, uid: str) -> Response:
        return Response(told(self._site(uid)))

    def patch(self, request: Request, uid: str) -> Response:
        site = self._site(uid)
        check_names(given(request), BODY)
        wanted = {**{name: getattr(site, name) for name in FIELDS}, **given(request)}
        return Response(told(services.save_site(id=site.pk, **wanted, by=acting.actor(), at=clock.now())))

    def delete(self, request: Request, uid: str) -> Response:
        services.remove_site(id=self._site(uid).pk, by=acting.actor(), at=clock.now())
        return Response(status=204)
