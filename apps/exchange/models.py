"""The log between enterprises."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.base.models import Identified


class SigningKey(Identified):
    """The public half of an enterprise's Ed25519 key. Retired keys stay, so that what they signed stays valid."""

    enterprise = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+")
    public = models.BinaryField()
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)


class SealedKey(Identified):
    """The private half, encrypted under the platform's key ring; readable by its own enterprise alone."""

    key = models.OneToOneField(SigningKey, models.CASCADE, related_name="sealed")
    enterprise = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+")
    sealed = models.BinaryField()


class Channel(Identified):
    """One direction of a partnership. Its head (number and digest of the last envelope) is written by the sender alone."""

    partnership = models.ForeignKey("network.Partnership", models.CASCADE, related_name="+", verbose_name=_("partnership"))
    sender = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+", verbose_name=_("sender"))
    receiver = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+", verbose_name=_("receiver"))
    head = models.BigIntegerField(_("last envelope"), default=0)
    digest = models.BinaryField(default=bytes)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        constraints = [models.UniqueConstraint(fields=["sender", "receiver"], name="channel_once")]


class Cursor(Identified):
    """How far the receiver has taken a channel's envelopes in; written by the receiver alone, with what it took in."""

    channel = models.OneToOneField(Channel, models.CASCADE, related_name="cursor")
    receiver = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+")
    delivered = models.BigIntegerField(_("delivered"), default=0)
    digest = models.BinaryField(default=bytes)
    halted_at = models.DateTimeField(_("halted at"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)

    class Meta:
        verbose_name = _("cursor")
        verbose_name_plural = _("cursors")


class Envelope(models.Model):
    """What one enterprise said to another. Inserted and read; never changed, never removed.

    digest = SHA-256(body + previous digest); signature = Ed25519 over the digest, by `key`.
    """

    pk = models.CompositePrimaryKey("channel_id", "seq")
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+", verbose_name=_("channel"))
    seq = models.BigIntegerField(_("number"))
    sender = models.ForeignKey("tenants.Enterprise", models.PROTECT, related_name="+", db_index=False)
    receiver = models.ForeignKey("tenants.Enterprise", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(_("kind"), max_length=60)
    document = models.UUIDField(_("document"), db_index=True)
    seen = models.PositiveIntegerField()
    body = models.BinaryField()
    digest = models.BinaryField()
    signature = models.BinaryField()
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("envelope")
        verbose_name_plural = _("envelopes")


class Receipt(models.Model):
    """The receiver signs that it took a channel in as far as this envelope: one each time that its cursor moves. Never changed, never removed.

    The digest stands for every envelope before it, too. signature = Ed25519 over `chaining.receipt_of`, by the receiver's key.
    """

    pk = models.CompositePrimaryKey("channel_id", "seq")
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+", db_index=False)
    seq = models.BigIntegerField()
    digest = models.BinaryField()
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="+", db_index=False)
    signature = models.BinaryField()
    at = models.DateTimeField()
