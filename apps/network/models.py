"""Who may say what to whom."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.base.models import Identified


class Partnership(Identified):
    """A relation of two enterprises. It is in force while both consent (Consent): neither can speak for the other."""

    inviter = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+", verbose_name=_("inviting enterprise"))
    invitee = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+", verbose_name=_("invited enterprise"))
    # What the invited enterprise is to the inviting one.
    role = models.CharField(_("role"), max_length=20, choices=[("supplier", _("supplier")), ("customer", _("customer")), ("carrier", _("carrier"))])
    message = models.TextField(_("message"), blank=True, max_length=2000)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("partnership")
        verbose_name_plural = _("partnerships")
        constraints = [
            models.UniqueConstraint(fields=["inviter", "invitee"], name="partnership_once"),
            models.CheckConstraint(condition=~models.Q(inviter=models.F("invitee")), name="partnership_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.inviter} – {self.invitee}"


class Consent(Identified):
    """What one enterprise agrees to in a partnership: the types of documents it will exchange.

    The database lets an enterprise write its own consent alone; what both have consented to is allowed.
    """

    partnership = models.ForeignKey(Partnership, models.CASCADE, related_name="consents", verbose_name=_("partnership"))
    enterprise = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+", verbose_name=_("enterprise"))
    state = models.CharField(
        _("state"),
        max_length=20,
        choices=[("given", _("given")), ("declined", _("declined")), ("suspended", _("suspended")), ("ended", _("ended"))],
        default="given",
    )
    document_types = models.JSONField(_("document types"), default=list)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [models.UniqueConstraint(fields=["partnership", "enterprise"], name="consent_once")]
