"""What can be chosen: products in releases, with features, options and rules; and what was chosen: configurations."""

from collections.abc import Mapping

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.base.models import HomeModel, NumericField


def own_words(english: str, chinese: str) -> str:
    """A text of the maker's in the reader's language; the English one where there is no other."""
    return chinese if chinese and (get_language() or "").startswith("zh") else english


def said(choices: Mapping[str, str | None]) -> dict[str, str]:
    """The choices without those that leave something out, in the order of their features' codes."""
    return {feature: value for feature, value in sorted(choices.items()) if value is not None}


class Kind(models.TextChoices):
    """What is asked of the chooser: one of several options, a number, or yes or no."""

    CHOICE = "choice", _("options")
    NUMBER = "number", _("number")
    FLAG = "flag", _("yes or no")


class RuleKind(models.TextChoices):
    """How the maker thinks of a rule. Of a table the rows say what it means, of every other one its formula."""

    REQUIRES = "requires", _("requires")
    EXCLUDES = "excludes", _("excludes")
    CONDITION = "condition", _("condition")
    TABLE = "table", _("table")


class Product(HomeModel):
    """An item of the catalogue that is configured to order. code: as partners and addresses name it.

    release: the one that is sold now, None where it is not sold (any more, or yet). public: shown to everybody, without a login.
    picture: the name of a file among the pictures (`services.picturing`).
    """

    item = models.ForeignKey("catalog.Item", models.PROTECT, related_name="+", verbose_name=_("item"))
    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    text = models.TextField(_("description"), max_length=2000, blank=True)
    text_zh = models.TextField(_("Chinese description"), max_length=2000, blank=True)
    public = models.BooleanField(_("public"), default=False)
    picture = models.CharField(_("picture"), max_length=80, blank=True)
    release = models.ForeignKey("Release", models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("release"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    @property
    def label(self) -> str:
        return own_words(self.name, self.name_zh)

    @property
    def words(self) -> str:
        return own_words(self.text, self.text_zh)


class Release(HomeModel):
    """A version of a product's model: edited until it is published, and never changed after. price: of one product before any choice."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="releases", verbose_name=_("product"))
    number = models.PositiveIntegerField(_("number"))
    price = NumericField(_("base price"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    published_by = models.CharField(_("published by"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["product", "number"], name="release_once"),
            models.UniqueConstraint(fields=["product"], condition=Q(published_at__isnull=True), name="release_one_draft"),
            models.CheckConstraint(condition=Q(price__gte=0), name="release_price"),
        ]

    def __str__(self) -> str:
        return f"{self.product.code} {self.number}"


class Feature(HomeModel):
    """What there is to choose. optional: nothing need be chosen. minimum, maximum, step: of a number. price: a formula, empty for none.

    attributes: figures for formulas (`feature.attribute`), numbers as text.
    """

    release = models.ForeignKey(Release, models.CASCADE, related_name="features", verbose_name=_("release"))
    position = models.PositiveIntegerField(_("position"))
    code = models.CharField(_("code"), max_length=200)
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices, default=Kind.CHOICE)
    optional = models.BooleanField(_("optional"), default=False)
    group = models.CharField(_("group"), max_length=100, blank=True)
    group_zh = models.CharField(_("Chinese name of the group"), max_length=100, blank=True)
    minimum = NumericField(_("minimum"), null=True, blank=True)
    maximum = NumericField(_("maximum"), null=True, blank=True)
    step = NumericField(_("step"), null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=3, blank=True)
    price = models.TextField(_("price formula"), max_length=2000, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)

    class Meta:
        verbose_name = _("feature")
        verbose_name_plural = _("features")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["release", "code"], name="feature_once"),
            models.CheckConstraint(
                condition=~Q(kind="number") | Q(minimum__isnull=False, maximum__isnull=False, step__gt=0, maximum__gte=F("minimum")), name="feature_range"
            ),
        ]


class Option(HomeModel):
    """One of the things that a feature can be. price: what it adds to the product's, below zero what it takes away. attributes: as of a feature."""

    feature = models.ForeignKey(Feature, models.CASCADE, related_name="options", verbose_name=_("feature"))
    position = models.PositiveIntegerField(_("position"))
    code = models.CharField(_("code"), max_length=200)
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    price = NumericField(_("price"), default=0)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    picture = models.CharField(_("picture"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("option")
        verbose_name_plural = _("options")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["feature", "code"], name="option_once")]


class Rule(HomeModel):
    """What every sold configuration fulfils, and the sentence that is told where it forbids something.

    formula: a condition (`apps.base.formulas`). table: the allowed combinations, `{"features": [...], "rows": [[...], ...]}`, each row with one
    value a feature, null where it is left out.
    """

    release = models.ForeignKey(Release, models.CASCADE, related_name="rules", verbose_name=_("release"))
    position = models.PositiveIntegerField(_("position"))
    code = models.CharField(_("code"), max_length=200)
    kind = models.CharField(_("kind"), max_length=9, choices=RuleKind.choices, default=RuleKind.CONDITION)
    formula = models.TextField(_("formula"), max_length=20_000, blank=True)
    table = models.JSONField(_("combinations"), null=True, blank=True)
    text = models.CharField(_("explanation"), max_length=400, blank=True)
    text_zh = models.CharField(_("Chinese explanation"), max_length=400, blank=True)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["release", "code"], name="rule_once")]


class Example(HomeModel):
    """The maker's own test case: these choices must be possible (valid), or must not be. It is tried before a release is published."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="examples", verbose_name=_("release"))
    position = models.PositiveIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=200)
    choices = models.JSONField(_("choices"), default=dict)
    valid = models.BooleanField(_("possible"), default=True)

    class Meta:
        verbose_name = _("example")
        verbose_name_plural = _("examples")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["release", "name"], name="example_once")]


class Configuration(HomeModel):
    """What was chosen of a product, one's own or a partner's. The seller is an enterprise's id: no foreign key leaves a home.

    name: the product's, as it was. choices: option code, number as text, “yes” or “no”, by feature, None where it is left out on purpose.
    whole: the choices with all that follows from them, without what is left out; empty until they are complete. digest: see
    `services.digest_of`. item, unit: the seller's item number and its unit. amount: the price of one, None where it cannot be told. text:
    the choices in words, by language. token: who has it may look.
    """

    seller_id = models.UUIDField(_("seller"))
    product = models.CharField(_("product"), max_length=60)
    name = models.CharField(_("name"), max_length=200, blank=True)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    release = models.PositiveIntegerField(_("release"))
    item = models.CharField(_("item number"), max_length=60, blank=True)
    unit = models.CharField(_("unit"), max_length=3, blank=True)
    choices = models.JSONField(_("choices"), default=dict)
    whole = models.JSONField(_("everything chosen"), default=dict)
    digest = models.CharField(_("digest"), max_length=64, db_index=True)
    valid = models.BooleanField(_("possible"), default=True)
    complete = models.BooleanField(_("complete"), default=False)
    amount = NumericField(_("price"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    text = models.JSONField(_("in words"), default=dict)
    token = models.CharField(_("token of the link"), max_length=64, unique=True)
    created_by = models.CharField(_("created by"), max_length=200)
    created_at = models.DateTimeField(_("created at"))
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("configuration")
        verbose_name_plural = _("configurations")
        ordering = ["-changed_at"]
        indexes = [models.Index(fields=["-changed_at", "-id"], name="configuration_latest")]

    def __str__(self) -> str:
        return f"{self.product} {self.digest[:8]}"

    @property
    def label(self) -> str:
        return own_words(self.name, self.name_zh) or self.product

    @property
    def wire(self) -> Mapping[str, object]:
        """The configuration as it travels in the line of a document."""
        return {"product": self.product, "release": self.release, "digest": self.digest, "choices": self.whole or said(self.choices), "text": self.text}
