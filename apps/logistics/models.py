"""What lies where: stock as a ledger with two sides, what goods are packed in, and what was scanned at the dock."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.base.models import HomeModel, NumericField


class Place(models.TextChoices):
    """Where goods can be, seen from one enterprise. Only stock and quarantine are within its walls; the others are where goods come from and go to."""

    STOCK = "stock", _("stock")
    QUARANTINE = "quarantine", _("quarantine")
    TRANSIT = "transit", _("on the way")
    PRODUCTION = "production", _("production")
    SUPPLIER = "supplier", _("suppliers")
    CUSTOMER = "customer", _("customers")
    LOSS = "loss", _("differences")


class Cause(models.TextChoices):
    """Why goods moved."""

    HAND = "hand", _("moved by hand")
    ADJUSTMENT = "adjustment", _("adjusted")
    DESPATCH = "despatch", _("despatched")
    RECEIPT = "receipt", _("received")
    PRODUCTION = "production", _("made")


class StockMove(HomeModel):
    """Goods that went from one place to another: never changed; what was wrong goes back by another move.

    configuration: the digest of what was chosen, empty where there was nothing to choose. document: the one that caused it.
    """

    item = models.ForeignKey("catalog.Item", models.PROTECT, related_name="+", verbose_name=_("item"))
    configuration = models.CharField(_("configuration"), max_length=64, blank=True)
    lot = models.CharField(_("lot"), max_length=60, blank=True)
    source = models.CharField(_("from"), max_length=10, choices=Place.choices)
    target = models.CharField(_("to"), max_length=10, choices=Place.choices)
    quantity = NumericField(_("quantity"))
    cause = models.CharField(_("cause"), max_length=10, choices=Cause.choices)
    document = models.ForeignKey("documents.Document", models.PROTECT, related_name="+", null=True, verbose_name=_("document"))
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    at = models.DateTimeField(_("at"))
    by = models.CharField(_("by"), max_length=150)

    class Meta:
        verbose_name = _("stock move")
        verbose_name_plural = _("stock moves")
        indexes = [models.Index(fields=["item", "-id"], name="stock_move_item"), models.Index(fields=["document"], name="stock_move_document")]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="stock_move_quantity"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="stock_move_elsewhere"),
            models.CheckConstraint(condition=~Q(cause="adjustment") | ~Q(reason=""), name="stock_move_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


class Balance(HomeModel):
    """The head of the ledger for one item, configuration and lot at one place: the sum of its moves, and the lock under which they are made.

    Over all places the balances of an item are always zero; a place outside the walls is below zero where goods came from it.
    """

    item = models.ForeignKey("catalog.Item", models.PROTECT, related_name="+", verbose_name=_("item"))
    configuration = models.CharField(_("configuration"), max_length=64, blank=True)
    lot = models.CharField(_("lot"), max_length=60, blank=True)
    place = models.CharField(_("place"), max_length=10, choices=Place.choices)
    quantity = NumericField(_("quantity"))

    class Meta:
        verbose_name = _("balance")
        verbose_name_plural = _("balances")
        constraints = [models.UniqueConstraint(fields=["item", "configuration", "lot", "place"], name="balance_once")]

    def __str__(self) -> str:
        return f"{self.place} {self.lot}".strip()


class HandlingUnit(HomeModel):
    """A pallet, carton or crate of a despatch advice, under its SSCC (GS1 General Specifications 3.3.1), at both homes while the advice stands.

    position: the order of the tree, parents first. contents: what lies in it loosely, `[{"line", "quantity", "lot"}]`. own: it was packed here.
    """

    document = models.ForeignKey("documents.Document", models.CASCADE, related_name="+", verbose_name=_("document"))
    parent = models.ForeignKey("self", models.CASCADE, related_name="units", null=True, verbose_name=_("within"))
    position = models.PositiveIntegerField()
    sscc = models.CharField("SSCC", max_length=18)
    type = models.CharField(_("type"), max_length=3)
    contents = models.JSONField(_("contents"), default=list)
    own = models.BooleanField()

    class Meta:
        verbose_name = _("handling unit")
        verbose_name_plural = _("handling units")
        indexes = [models.Index(fields=["sscc"], name="handling_unit_sscc")]
        constraints = [
            models.UniqueConstraint(fields=["document", "sscc"], name="handling_unit_once"),
            models.UniqueConstraint(fields=["sscc"], condition=Q(own=True), name="handling_unit_own_once"),
        ]

    def __str__(self) -> str:
        return self.sscc


class Scan(HomeModel):
    """A code that was read at the dock: what it was taken for, or the sentence with which it was refused.

    line: of the despatch advice; unit: the SSCC, where a whole unit was scanned; quantity: how much of the line counts as seen by it.
    """

    document = models.ForeignKey("documents.Document", models.CASCADE, related_name="+", verbose_name=_("document"))
    dock = models.CharField(_("dock"), max_length=7, choices=[("ship", _("shipping")), ("receive", _("receiving"))])
    code = models.CharField(_("code"), max_length=400)
    accepted = models.BooleanField(_("accepted"))
    sentence = models.CharField(_("answer"), max_length=600)
    line = models.PositiveIntegerField(_("line"), null=True)
    unit = models.CharField("SSCC", max_length=18, blank=True)
    lot = models.CharField(_("lot"), max_length=60, blank=True)
    serial = models.CharField(_("serial number"), max_length=60, blank=True)
    quantity = NumericField(_("quantity"), default=0)
    at = models.DateTimeField(_("at"))
    by = models.CharField(_("by"), max_length=150)

    class Meta:
        verbose_name = _("scan")
        verbose_name_plural = _("scans")
        indexes = [models.Index(fields=["document", "dock", "-id"], name="scan_document")]

    def __str__(self) -> str:
        return self.code
