"""Whose home this is. Identity only: what an enterprise prefers stands in its own home."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from apps.base import acting
from apps.base.models import Identified, new_id

HOME_SCHEMA = re.compile(r"t_[0-9a-f]{32}\Z")
TEMPLATE_SCHEMA = "template_home"


def check_gln(value: str) -> None:
    """A GS1 Global Location Number: 13 digits, the last a check digit (GS1 General Specifications 7.9)."""
    digits = [int(digit) for digit in value if digit.isdigit()]
    if len(value) != 13 or len(digits) != 13 or (10 - sum(d * (1, 3)[i % 2] for i, d in enumerate(digits[:12])) % 10) % 10 != digits[12]:
        raise ValidationError(_("A GLN has 13 digits, the last of them a check digit."), code="gln")


class Enterprise(Identified, TenantMixin):  # type: ignore[misc, django-manager-missing]
    """An enterprise: one row in the directory, one schema, one database role of the same name."""

    auto_create_schema = False

    schema_name = models.CharField(max_length=63, unique=True, editable=False)
    slug = models.CharField(_("short name"), max_length=40, unique=True, validators=[RegexValidator(r"^[a-z][a-z0-9-]{1,39}$")])
    name = models.CharField(_("name"), max_length=200)
    gln = models.CharField(_("GLN"), max_length=13, blank=True, validators=[check_gln])
    tax_number = models.CharField(_("tax number"), max_length=30, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    roles = models.JSONField(_("roles in the chain"), default=list, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en", choices=[("en", "English"), ("zh-hans", "简体中文")])
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    time_zone = models.CharField(_("time zone"), max_length=50, default="UTC")
    ready = models.BooleanField(_("ready"), default=False, help_text=_("Its home stands and can be entered."))
    suspended_at = models.DateTimeField(_("suspended at"), null=True, blank=True)
    offboarded_at = models.DateTimeField(_("left at"), null=True, blank=True, help_text=_("Its home is gone; its partners keep what was said."))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("enterprise")
        verbose_name_plural = _("enterprises")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.schema_name:
            self.schema_name = f"t_{self.id.hex}"
        models.Model.save(self, *args, **kwargs)

    def home(self) -> acting.Home:
        """As much of this enterprise as act_as() needs."""
        return acting.Home(
            id=self.id,
            slug=self.slug,
            name=self.name,
            schema=self.schema_name,
            language=self.language,
            currency=self.currency,
            time_zone=self.time_zone,
        )


class Domain(DomainMixin):  # type: ignore[misc]
    """A host name that opens one enterprise directly: `SLUG.localhost`, or a domain of its own."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")


class Endpoint(Identified):
    """An electronic address of an enterprise, by which messages find it (UBL EndpointID: scheme and id, EAS code list)."""

    enterprise = models.ForeignKey(Enterprise, models.CASCADE, related_name="endpoints", verbose_name=_("enterprise"))
    scheme = models.CharField(_("scheme"), max_length=20)
    value = models.CharField(_("id"), max_length=100)

    class Meta:
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")
        constraints = [models.UniqueConstraint(fields=["scheme", "value"], name="endpoint_once")]
        ordering = ["scheme", "value"]

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


class Epoch(models.Model):
    """One life of the database cluster. Transaction ids begin anew in a restored cluster; the feed's cursor does not."""

    number = models.AutoField(primary_key=True)
    cluster = models.CharField(max_length=40, unique=True)
    began_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.number)
