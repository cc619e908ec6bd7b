"""When: calendars and resources, how things are made, what is planned, what gives to what, and what was promised."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.base.models import HomeModel, NumericField


def _named(row: "Resource | Operation") -> str:
    return row.name_zh if row.name_zh and (get_language() or "").startswith("zh") else row.name


class Calendar(HomeModel):
    """When is worked: the shifts of a week in a time zone of the IANA database, without the public holidays of a country.

    country: ISO 3166-1 alpha-2, subdivision: the part of ISO 3166-2 after the hyphen; both empty where holidays are worked.
    """

    code = models.CharField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=200)
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC")
    country = models.CharField(_("country"), max_length=2, blank=True)
    subdivision = models.CharField(_("subdivision"), max_length=6, blank=True)

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Shift(HomeModel):
    """Working time of a weekday (0 is Monday), by the clock on the wall. A shift whose end is not after its start ends on the next day."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="shifts", verbose_name=_("calendar"))
    weekday = models.PositiveSmallIntegerField(_("weekday"))
    starts = models.TimeField(_("starts"))
    ends = models.TimeField(_("ends"))

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["weekday", "starts"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "weekday", "starts"], name="shift_once"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="shift_weekday"),
        ]


class Closure(HomeModel):
    """A time without work, or (working) an extra shift, which is worked even on a holiday."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="closures", verbose_name=_("calendar"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    working = models.BooleanField(_("extra shift"), default=False)

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["starts_at"]
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="closure_lasts")]


class Resource(HomeModel):
    """A machine, a person or a place that does one thing at a time. pool: the code of the group whose members can stand in for one another.

    efficiency: percent; at 50 a run takes twice its time.
    """

    code = models.CharField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    site = models.ForeignKey("catalog.Site", models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("site"))
    calendar = models.ForeignKey(Calendar, models.PROTECT, related_name="resources", verbose_name=_("calendar"))
    pool = models.CharField(_("pool"), max_length=30, blank=True, db_index=True)
    efficiency = NumericField(_("efficiency, percent"), default=100)

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ["code"]
        constraints = [models.CheckConstraint(condition=Q(efficiency__gt=0), name="resource_efficiency")]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return _named(self)


class Operation(HomeModel):
    """A step of making an item. pool: the code of a pool or of one resource; empty: it takes time only.

    setup: minutes a job; run: minutes a unit, condition: both formulas (`apps.base.formulas`) as text, an empty condition always holds; lag:
    minutes until the next operation can begin. The operations of one routing code are one way of making; the way of the lowest priority comes first.
    """

    item = models.ForeignKey("catalog.Item", models.CASCADE, related_name="+", verbose_name=_("item"))
    routing = models.CharField(_("routing"), max_length=30, blank=True)
    priority = models.PositiveSmallIntegerField(_("priority"), default=0)
    position = models.PositiveIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=200)
    name_zh = models.CharField(_("Chinese name"), max_length=200, blank=True)
    pool = models.CharField(_("pool or resource"), max_length=30, blank=True)
    setup = models.PositiveIntegerField(_("set-up, minutes"), default=0)
    run = models.CharField(_("run time a unit, minutes"), max_length=1000, default="0")
    condition = models.CharField(_("condition"), max_length=1000, blank=True)
    lag = models.PositiveIntegerField(_("waiting after it, minutes"), default=0)

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ["priority", "routing", "position"]
        # Checked when a statement ends, so that one statement can exchange positions.
        constraints = [models.UniqueConstraint(fields=["item", "routing", "position"], name="operation_position_once", deferrable=models.Deferrable.IMMEDIATE)]

    def __str__(self) -> str:
        return f"{self.position} {self.label}"

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return _named(self)


class Outage(HomeModel):
    """A resource that is down. ends_at: when it is thought to run again; mended_at: when it did."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="outages", verbose_name=_("resource"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    mended_at = models.DateTimeField(_("mended at"), null=True, blank=True)

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering = ["starts_at"]
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="outage_lasts")]


class Job(HomeModel):
    """A work order of the plan. promise_id: the document of the promise that it serves. configuration: as it travels, or None.

    Neither firm nor held: it belongs to a plan that nobody has been promised, and counts for nothing when promises are made; so does one whose
    `held_until` has passed. gone: so much of it left the house before it was reported done.
    """

    item = models.ForeignKey("catalog.Item", models.CASCADE, related_name="+", verbose_name=_("item"))
    quantity = NumericField(_("quantity"))
    gone = NumericField(_("shipped before it was reported"), default=0, db_default=0)
    configuration = models.JSONField(_("configuration"), null=True, blank=True)
    promise_id = models.UUIDField(_("promise"), null=True, blank=True, db_index=True)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    firm = models.BooleanField(_("firm"), default=False)
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["starts_at"]
        indexes = [models.Index(fields=["item", "ends_at"], name="job_item"), models.Index(fields=["ends_at"], name="job_ends")]
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="job_quantity")]


class Slot(HomeModel):
    """The time of one operation of a job on one resource. setup: minutes of it at the start. It pauses where the resource does not work."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="slots", verbose_name=_("job"))
    operation = models.ForeignKey(Operation, models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("operation"))
    resource = models.ForeignKey(Resource, models.CASCADE, related_name="slots", null=True, blank=True, verbose_name=_("resource"))
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    setup = models.PositiveIntegerField(_("set-up, minutes"), default=0)

    class Meta:
        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        ordering = ["starts_at"]
        indexes = [models.Index(fields=["resource", "ends_at"], name="slot_resource")]


class Giver(models.TextChoices):
    """Whence a peg takes."""

    STOCK = "stock", _("stock")
    JOB = "job", _("job")
    PART = "part", _("purchase")


class Peg(HomeModel):
    """So much of an item goes from a giver to a taker.

    giver: stock, a job (`job`) or a purchase (`part`): of a partner's promise (`document`) where he was asked, else by the lead time of `source`.
    taker: the promise (`promise_id`), directly where `taker_job` is None, else through that job. needed_at: when it would have to be there;
    due_at: when it is. Held and firm as the job's.
    """

    item = models.ForeignKey("catalog.Item", models.CASCADE, related_name="+", verbose_name=_("item"))
    quantity = NumericField(_("quantity"))
    giver = models.CharField(_("giver"), max_length=5, choices=Giver.choices)
    job = models.ForeignKey(Job, models.CASCADE, related_name="given", null=True, blank=True, verbose_name=_("job"))
    document = models.UUIDField(_("partner's promise"), null=True, blank=True, db_index=True)
    source = models.ForeignKey("catalog.Source", models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("source"))
    promise_id = models.UUIDField(_("promise"), null=True, blank=True, db_index=True)
    taker_job = models.ForeignKey(Job, models.CASCADE, related_name="taken", null=True, blank=True, verbose_name=_("taking job"))
    configuration = models.JSONField(_("configuration"), null=True, blank=True)
    needed_at = models.DateTimeField(_("needed at"))
    due_at = models.DateTimeField(_("due at"))
    firm = models.BooleanField(_("firm"), default=False)
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)

    class Meta:
        verbose_name = _("peg")
        verbose_name_plural = _("pegs")
        ordering = ["due_at"]
        indexes = [models.Index(fields=["item", "giver"], name="peg_item")]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="peg_quantity"),
            models.CheckConstraint(condition=Q(giver="job", job__isnull=False) | (~Q(giver="job") & Q(job__isnull=True)), name="peg_giver"),
        ]


class PlanKind(models.TextChoices):
    """standing: the one row whose lock whoever writes the plan holds; full: a run over everything."""

    STANDING = "standing", _("standing plan")
    FULL = "full", _("full replan")


class Plan(HomeModel):
    """A run of the planner. progress: percent; stop: somebody asked it to end with the best so far; figures: what it found; message: why it ended."""

    kind = models.CharField(_("kind"), max_length=8, choices=PlanKind.choices, default=PlanKind.FULL)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    by = models.CharField(_("by"), max_length=200, blank=True)
    progress = models.PositiveSmallIntegerField(_("progress"), default=0)
    stop = models.BooleanField(_("stop"), default=False)
    figures = models.JSONField(_("figures"), default=dict, blank=True)
    message = models.CharField(_("message"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(kind="standing"), name="plan_standing_once"),
            models.UniqueConstraint(fields=["kind"], condition=Q(kind="full", finished_at__isnull=True), name="plan_one_run"),
        ]


class Side(models.TextChoices):
    """buyer: a supplier promised it to us; seller: we promised it to a customer."""

    BUYER = "buyer", _("buyer")
    SELLER = "seller", _("seller")


class Promise(HomeModel):
    """One side's own record of a promise: what the document does not say. document: its id, the same at both sides.

    arrived: what has come of it (buyer) or gone (seller). first_on: the day that was promised first; promised_on: the day that holds now; both
    None where nothing could be promised. parent_id: the document of one's own promise to the customer for which this one was asked. order_id: the
    order that it became. moved: how often the day moved; told_at: when the customer was last told; cause: the chain of causes, in this
    enterprise's own words.
    """

    document = models.UUIDField(_("document"), unique=True)
    item = models.ForeignKey("catalog.Item", models.CASCADE, related_name="+", null=True, blank=True, verbose_name=_("item"))
    configuration = models.JSONField(_("configuration"), null=True, blank=True)
    side = models.CharField(_("side"), max_length=6, choices=Side.choices)
    partner_id = models.UUIDField(_("partner"))
    source = models.ForeignKey("catalog.Source", models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("source"))
    quantity = NumericField(_("quantity"))
    arrived = NumericField(_("arrived"), default=0)
    asked_on = models.DateField(_("asked for"), null=True, blank=True)
    first_on = models.DateField(_("first promised"), null=True, blank=True)
    promised_on = models.DateField(_("promised"), null=True, blank=True)
    price = NumericField(_("price"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    firm = models.BooleanField(_("firm"), default=False)
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)
    parent_id = models.UUIDField(_("promise to the customer"), null=True, blank=True, db_index=True)
    order_id = models.UUIDField(_("order"), null=True, blank=True, db_index=True)
    told_at = models.DateTimeField(_("told at"), null=True, blank=True)
    moved = models.PositiveSmallIntegerField(_("times moved"), default=0)
    cause = models.JSONField(_("cause"), default=list, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("promise")
        verbose_name_plural = _("promises")
        ordering = ["promised_on"]
        indexes = [models.Index(fields=["item", "side"], name="promise_item")]
