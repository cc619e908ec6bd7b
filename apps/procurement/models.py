"""What must be bought, for whom it is needed, and what became of it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.base.models import HomeModel, NumericField


class Need(HomeModel):
    """So much of an item is needed from a partner by a day.

    promise_id: his promise to us, where he was asked for one; for_promise: our own promise to the customer that it serves; order_id: the order
    by which it was bought. policy: whether it is ordered with the commit, or by a person.
    """

    item = models.ForeignKey("catalog.Item", models.CASCADE, related_name="+", verbose_name=_("item"))
    partner_id = models.UUIDField(_("partner"))
    source = models.ForeignKey("catalog.Source", models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("source"))
    quantity = NumericField(_("quantity"))
    unit = models.CharField(_("unit"), max_length=3)
    needed_on = models.DateField(_("needed on"))
    due_on = models.DateField(_("promised for"), null=True, blank=True)
    price = NumericField(_("price"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    policy = models.CharField(_("policy"), max_length=10)
    promise_id = models.UUIDField(_("partner's promise"), null=True, blank=True, unique=True)
    for_promise = models.UUIDField(_("promise to the customer"), null=True, blank=True, db_index=True)
    order_id = models.UUIDField(_("order"), null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(_("created at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("need")
        verbose_name_plural = _("needs")
        ordering = ["needed_on", "id"]
        indexes = [models.Index(fields=["closed_at", "needed_on"], name="need_open")]
