"""What is said about: an enterprise's own items, what its partners call them, what they are made of, whence they come, and the sites."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.base.models import HomeModel, NumericField


class Procurement(models.TextChoices):
    """How an item is had beyond what there is: made from its components, bought from its sources, or not at all."""

    MAKE = "make", _("made")
    BUY = "buy", _("bought")
    STOCK = "stock", _("from stock only")


class Policy(models.TextChoices):
    """Who places the order at a source when one of one's own is committed."""

    AUTOMATIC = "automatic", _("by itself")
    BY_HAND = "by_hand", _("by hand")


class Item(HomeModel):
    """An item that the enterprise makes, buys or sells, under its own number. The unit is a code of UN/ECE Rec 20.

    price: what a unit costs a customer, in the enterprise's currency; None where it is agreed otherwise, or follows from a configuration.
    """

    number = models.CharField(_("item number"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    unit = models.CharField(_("unit"), max_length=3, default="C62")
    gtin = models.CharField(_("GTIN"), max_length=14, blank=True, db_index=True)
    bought = models.BooleanField(_("bought"), default=True)
    sold = models.BooleanField(_("sold"), default=True)
    procurement = models.CharField(_("procurement"), max_length=5, choices=Procurement.choices, default=Procurement.BUY)
    shipping_days = models.PositiveSmallIntegerField(_("days to the customer"), default=0)
    price = NumericField(_("list price"), null=True, blank=True)
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


class Site(HomeModel):
    """A place of the enterprise's own: a plant, a warehouse, an office. country: ISO 3166-1 alpha-2; time_zone: of the IANA database."""

    code = models.CharField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    gln = models.CharField("GLN", max_length=13, blank=True)
    address = models.CharField(_("address"), max_length=400, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC")
    main = models.BooleanField(_("main site"), default=False)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["main"], condition=Q(main=True), name="site_main_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return self.name_zh if self.name_zh and (get_language() or "").startswith("zh") else self.name


class Component(HomeModel):
    """One line of a bill of material: so much of `component` goes into one `item`, under a condition on the configuration.

    quantity, condition: formulas (`apps.base.formulas`) as text; an empty condition always holds. scrap: percent of what is taken that is
    lost; fixed: so much more a job, whatever its size. alternate_of: the line of the same item for which this one may stand in, the lowest
    priority first, one for one; its own quantity and condition say nothing.
    """

    item = models.ForeignKey(Item, models.CASCADE, related_name="components", verbose_name=_("item"))
    position = models.PositiveIntegerField(_("position"))
    component = models.ForeignKey(Item, models.PROTECT, related_name="uses", verbose_name=_("component"))
    quantity = models.CharField(_("quantity"), max_length=1000, default="1")
    scrap = NumericField(_("scrap, percent"), default=0)
    fixed = NumericField(_("fixed quantity a job"), default=0)
    condition = models.CharField(_("condition"), max_length=1000, blank=True)
    alternate_of = models.ForeignKey("self", models.CASCADE, related_name="alternates", null=True, blank=True, verbose_name=_("alternate of"))
    priority = models.PositiveSmallIntegerField(_("priority"), default=0)
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        verbose_name = _("component")
        verbose_name_plural = _("components")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["item", "position"], name="component_position_once"),
            models.CheckConstraint(condition=~Q(item=F("component")), name="component_not_itself"),
            models.CheckConstraint(condition=Q(scrap__gte=0, scrap__lt=100), name="component_scrap"),
            models.CheckConstraint(condition=Q(fixed__gte=0), name="component_fixed"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")), name="component_valid"
            ),
        ]


class Source(HomeModel):
    """From which partner an item is bought, and how. lead_days: calendar days from the order to the partner's door, where he is not asked;
    transport_days: from there to one's own dock. minimum, multiple: the lots (0: any). price: of one unit, None where none is agreed.

    policy: whether the order is placed by itself; asked: whether the partner is asked for a promise; lower priorities come first.
    """

    item = models.ForeignKey(Item, models.CASCADE, related_name="sources", verbose_name=_("item"))
    partner_id = models.UUIDField(_("partner"))
    lead_days = models.PositiveSmallIntegerField(_("lead time, days"), default=0)
    transport_days = models.PositiveSmallIntegerField(_("transport, days"), default=0)
    minimum = NumericField(_("minimum lot"), default=0)
    multiple = NumericField(_("lot multiple"), default=0)
    price = NumericField(_("price"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    priority = models.PositiveSmallIntegerField(_("priority"), default=0)
    policy = models.CharField(_("policy"), max_length=9, choices=Policy.choices, default=Policy.AUTOMATIC)
    asked = models.BooleanField(_("asked for promises"), default=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["priority"]
        constraints = [
            models.UniqueConstraint(fields=["item", "partner_id"], name="source_once"),
            models.CheckConstraint(condition=Q(minimum__gte=0, multiple__gte=0), name="source_lots"),
            models.CheckConstraint(condition=Q(price__isnull=True) | (Q(price__gte=0) & ~Q(currency="")), name="source_price"),
        ]
