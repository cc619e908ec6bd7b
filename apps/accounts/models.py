"""Who is speaking: people, where they work, and the programs that act for an enterprise."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.base.models import Identified


class UserManager(BaseUserManager):  # type: ignore[type-arg]
    """People are known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user: User = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(Identified, AbstractUser):
    """A person. What a person may do depends on the enterprise for which he works at the moment (Membership)."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True, choices=[("en", "English"), ("zh-hans", "简体中文")])

    objects = UserManager()  # type: ignore[assignment,misc]
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["email"]

    def __str__(self) -> str:
        return self.name or self.email


class Membership(Identified):
    """A person works for an enterprise, in a role. The code of the role stands for permissions (`accounts.selectors`)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("person"))
    enterprise = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="memberships", verbose_name=_("enterprise"))
    role = models.CharField(_("role"), max_length=40)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["user", "enterprise"], name="membership_once")]
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.user} · {self.enterprise}"


class ApiClient(Identified):
    """A program that acts for one enterprise. Its token is shown once; only the SHA-256 of it is kept."""

    enterprise = models.ForeignKey("tenants.Enterprise", models.CASCADE, related_name="api_clients", verbose_name=_("enterprise"))
    name = models.CharField(_("name"), max_length=100)
    role = models.CharField(_("role"), max_length=40, default="integration")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.name


class AccessToken(Identified):
    """A short-lived token that a client got for its credentials (OAuth 2.0, RFC 6749 4.4)."""

    client = models.ForeignKey(ApiClient, models.CASCADE, related_name="access_tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()


class SetUpLink(Identified):
    """A one-time link by which the first administrator of an enterprise sets a password."""

    user = models.ForeignKey(User, models.CASCADE, related_name="set_up_links")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
