"""Questions about products and configurations."""

import re
import uuid
from collections.abc import Mapping

from django.db.models import Q, QuerySet

from apps.customisation.models import Configuration, Option, Product, Release
from apps.customisation.services.editing import described
from apps.customisation.services.picturing import NAME

__all__ = [
    "configuration", "configurations", "described", "draft", "is_public_picture", "product", "products", "release", "releases", "shared", "wire",
]  # fmt: skip
TOKEN = re.compile(r"[\w-]{1,64}\Z", re.ASCII)


def products() -> QuerySet[Product]:
    """One's own products, sold or not, by code."""
    return Product.objects.select_related("item", "release").order_by("code")


def product(*, code: str) -> Product | None:
    return products().filter(code=code).first()


def releases(*, product: uuid.UUID) -> list[Release]:
    """The releases of a product, the newest first."""
    return list(Release.objects.filter(product_id=product).select_related("product").order_by("-number"))


def release(*, product: uuid.UUID, number: int) -> Release | None:
    return Release.objects.select_related("product").filter(product_id=product, number=number).first()


def draft(*, product: uuid.UUID) -> Release | None:
    """The release that is being edited."""
    return Release.objects.select_related("product").filter(product_id=product, published_at=None).first()


def configurations() -> QuerySet[Configuration]:
    """What was configured here, the latest first."""
    return Configuration.objects.order_by("-changed_at", "-id")


def configuration(*, id: uuid.UUID) -> Configuration | None:
    return Configuration.objects.filter(pk=id).first()


def shared(*, token: str) -> Configuration | None:
    """The configuration to which a link with this token leads."""
    return Configuration.objects.filter(token=token).first() if TOKEN.match(token) else None


def wire(*, id: uuid.UUID) -> Mapping[str, object] | None:
    """A configuration as it travels in the line of a document, None where there is none."""
    found = configuration(id=id)
    return found.wire if found else None


def is_public_picture(*, name: str) -> bool:
    """Whether a picture is of a public product that is sold, or of one of its options in a published release."""
    sold = Q(public=True, release__isnull=False)
    if not NAME.match(name):
        return False
    if Product.objects.filter(sold, picture=name).exists():
        return True
    behind = {"feature__release__product__public": True, "feature__release__product__release__isnull": False, "feature__release__published_at__isnull": False}
    return Option.objects.filter(picture=name, **behind).exists()
