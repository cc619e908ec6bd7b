"""Who may say what to whom."""

import datetime as dt

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.base.models import Identified


def working_week() -> list[int]:
    """Monday to Friday."""
    return list(range(5))


ANSWER_HOURS = 16
"""Two working days: within so many hours an enterprise wants to be answered, where it says nothing else."""


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
    # One's own name for a group of suppliers whose answers are tolerated alike; empty: none.
    supplier_group = models.CharField(_("supplier group"), max_length=60, blank=True, default="", db_default="")
    # So many days before the date agreed this enterprise wants to be asked for a change or a cancellation at the latest; 0: at any time.
    notice_days = models.PositiveSmallIntegerField(_("changes days before"), default=0, db_default=0)
    # Within how many of the other's working hours this enterprise wants to be answered; 0: whenever.
    answer_hours = models.PositiveSmallIntegerField(_("answers within working hours"), default=ANSWER_HOURS, db_default=ANSWER_HOURS)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [models.UniqueConstraint(fields=["partnership", "enterprise"], name="consent_once")]


class Contact(Identified):
    """An address to which an enterprise wants to be told by mail what waits for its answer. The enterprise itself has said it, and nobody else can."""

    enterprise = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+", verbose_name=_("enterprise"))
    # As long as the name of whoever makes a step may be: an answer by link bears the address.
    email = models.EmailField(_("e-mail address"), max_length=150)
    language = models.CharField(_("language"), max_length=10, default="en", choices=[("en", "English"), ("zh-hans", "简体中文")])
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("notice by mail")
        verbose_name_plural = _("notices by mail")
        constraints = [models.UniqueConstraint(models.F("enterprise"), Lower("email"), name="contact_once")]
        ordering = ["created_at", "id"]


class Office(Identified):
    """When somebody of an enterprise is there to answer, in its own time zone, and who hears of it where no answer comes. Its partners read it.

    days: of the week, 0 is Monday. subdivision: of its country (ISO 3166-2), for the public holidays. person, email: empty where nobody is named.
    """

    enterprise = models.OneToOneField("tenants.Enterprise", models.CASCADE, related_name="+", verbose_name=_("enterprise"))
    days = models.JSONField(_("working days"), default=working_week)
    opens = models.TimeField(_("opens"), default=dt.time(9))
    closes = models.TimeField(_("closes"), default=dt.time(17))
    subdivision = models.CharField(_("subdivision"), max_length=10, blank=True)
    person = models.CharField(_("responsible person"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail address"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("office")
        verbose_name_plural = _("offices")

    def __str__(self) -> str:
        return str(self.enterprise)


class Tolerance(Identified):
    """How far a seller may answer otherwise than this enterprise asked before somebody looks at it, as it was said at one place; each change is a version.

    partner: with whom; None: all. supplier_group: one's own name for some of them (`Consent.supplier_group`). item: one's own number. Empty: all.
    terms: as `terms.written` has them; nothing: from then on it is as the wider place says. Whom it concerns reads it.
    """

    enterprise = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+", verbose_name=_("enterprise"))
    partner = models.ForeignKey("tenants.Enterprise", models.CASCADE, null=True, related_name="+", verbose_name=_("partner"))
    supplier_group = models.CharField(_("supplier group"), max_length=60, blank=True, default="", db_default="")
    item = models.CharField(_("item number"), max_length=60, blank=True, default="", db_default="")
    version = models.PositiveIntegerField(_("version"))
    terms = models.JSONField(_("terms"), default=dict)
    said_by = models.CharField(_("said by"), max_length=150)
    said_at = models.DateTimeField(_("said at"))

    class Meta:
        verbose_name = _("tolerance")
        verbose_name_plural = _("tolerances")
        constraints = [
            models.UniqueConstraint(fields=["enterprise", "partner", "supplier_group", "item", "version"], name="tolerance_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.supplier_group or self.partner or '–'} {self.item} v{self.version}"


class AnswerLink(Identified):
    """A one-time link by which whoever holds it may answer one document of one enterprise, without an account.

    The token is not kept: it is signed over all that it is bound to. send_at: when the mail is due, None once it left; ended_at: when the link
    was used, or withdrawn because it became pointless. about: what the mail says (`answer`: something waits for an answer; `reminder`: still;
    `late`: too long; the last one is ended from the beginning, and leads to the page of the document).
    """

    enterprise = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+")
    document_type = models.CharField(max_length=40)
    document = models.UUIDField()
    email = models.EmailField(max_length=150)
    language = models.CharField(max_length=10)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    send_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    about = models.CharField(max_length=10, default="answer", db_default="answer")
    ended_at = models.DateTimeField(null=True)
    used = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["document"], condition=models.Q(ended_at=None), name="answerlink_open"),
            models.Index(fields=["send_at"], condition=~models.Q(send_at=None), name="answerlink_due"),
        ]


class Invitation(Identified):
    """An enterprise invites another that is not on the platform yet, by the e-mail address of somebody there.

    The inviting enterprise's consent is given with it, and takes effect when it is accepted. begun_at: when somebody began to accept it;
    enterprise: what was made of it, from then on, so that an acceptance that was interrupted goes on where it stood.
    """

    inviter = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="+", verbose_name=_("inviting enterprise"))
    email = models.EmailField(_("e-mail address"), max_length=150)
    role = models.CharField(_("role"), max_length=20, choices=[("supplier", _("supplier")), ("customer", _("customer")), ("carrier", _("carrier"))])
    document_types = models.JSONField(_("document types"), default=list)
    message = models.TextField(_("message"), blank=True, max_length=2000)
    language = models.CharField(_("language"), max_length=10, default="en", choices=[("en", "English"), ("zh-hans", "简体中文")])
    by = models.CharField(_("invited by"), max_length=150)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(_("expires at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)
    begun_at = models.DateTimeField(null=True)
    enterprise = models.ForeignKey("tenants.Enterprise", models.CASCADE, null=True, related_name="+", verbose_name=_("enterprise"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True)

    class Meta:
        verbose_name = _("invitation by mail")
        verbose_name_plural = _("invitations by mail")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.inviter} – {self.email}"
