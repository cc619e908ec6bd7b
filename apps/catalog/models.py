"""What is said about: an enterprise's own items, and what its partners call them."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.base.models import HomeModel


class Item(HomeModel):
    """An item that the enterprise makes, buys or sells, under its own number. The unit is a code of UN/ECE Rec 20."""

    number = models.CharField(_("item number"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    unit = models.CharField(_("unit"), max_length=3, default="C62")
    gtin = models.CharField(_("GTIN"), max_length=14, blank=True, db_index=True)
    bought = models.BooleanField(_("bought"), default=True)
    sold = models.BooleanField(_("sold"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.label}"

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return self.name_zh if self.name_zh and (get_language() or "").startswith("zh") else self.name


class Alias(HomeModel):
    """What one partner calls an item. The partner is an enterprise's id: no foreign key leaves a home."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="aliases", verbose_name=_("item"))
    partner_id = models.UUIDField(_("partner"))
    number = models.CharField(_("partner's item number"), max_length=60)

    class Meta:
        verbose_name = _("partner's item number")
        verbose_name_plural = _("partners' item numbers")
        constraints = [models.UniqueConstraint(fields=["partner_id", "number"], name="alias_once")]
