"""What is said: one header, line, schedule, step and quantity for all types of documents."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.base.models import HomeModel, NumericField


class TransactionId(models.Func):
    """The transaction that writes a row, as a number: with the epoch of the cluster, the order of the feed."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class CurrentEpoch(models.Func):
    """The life of the database cluster in which a row is written (`tenants.Epoch`)."""

    template = "public.current_epoch()"
    output_field = models.IntegerField()


class Document(HomeModel):
    """One side's view of a document: a projection of what both sides said.

    issuer_id: whose number it bears. own_said, partner_said: how many moves of each side this view holds.
    amount: of what is agreed, else of what is asked. version: grows with each change of the view (the ETag).
    answer_due_at: until when an answer is wanted, None where none is, or it is not computed yet. answer_stage: how far its clock is (`clocking.STAGES`);
    answer_next_at: when it is to be looked at next.
    """

    type = models.CharField(max_length=40)
    side = models.CharField(max_length=10)
    partner_id = models.UUIDField()
    issuer_id = models.UUIDField()
    number = models.CharField(_("number"), max_length=60)
    state = models.CharField(_("state"), max_length=30)
    currency = models.CharField(_("currency"), max_length=3)
    note = models.TextField(_("note"), blank=True)
    details = models.JSONField(default=dict)
    amount = NumericField(_("amount"), null=True)
    line_count = models.PositiveIntegerField(default=0)
    issued_on = models.DateField(_("issued on"), null=True)
    due_on = models.DateField(_("due on"), null=True)
    version = models.PositiveIntegerField(default=1)
    own_said = models.PositiveIntegerField(default=0)
    partner_said = models.PositiveIntegerField(default=0)
    seen_at = models.DateTimeField(null=True)
    answer_due_at = models.DateTimeField(_("answer due"), null=True)
    answer_next_at = models.DateTimeField(null=True)
    answer_stage = models.CharField(_("stage of the answer"), max_length=10, blank=True, default="", db_default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [models.UniqueConstraint(fields=["type", "issuer_id", "number"], name="document_number_once")]
        indexes = [
            models.Index(fields=["type", "-updated_at", "-id"], name="document_recent"),
            models.Index(fields=["type", "side", "state"], name="document_state"),
            models.Index(fields=["partner_id", "type"], name="document_partner"),
            models.Index(fields=["answer_next_at"], condition=~models.Q(answer_next_at=None), name="document_clock"),
        ]

    def __str__(self) -> str:
        return self.number


class Line(HomeModel):
    """A line: what is asked, and in the offered_ columns what the other side answered to it.

    reference: the line's name in the message that brought it (UBL LineID); position counts from 1 in our own.
    """

    document = models.ForeignKey(Document, models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    reference = models.CharField(max_length=60, blank=True)
    item = models.ForeignKey("catalog.Item", models.SET_NULL, null=True, related_name="+")
    buyer_item = models.CharField(max_length=60, blank=True)
    seller_item = models.CharField(max_length=60, blank=True)
    gtin = models.CharField(max_length=14, blank=True)
    name = models.CharField(max_length=500, blank=True)
    quantity = NumericField()
    unit = models.CharField(max_length=3)
    price = NumericField(null=True)
    price_base = NumericField(null=True)
    note = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    response = models.CharField(max_length=10, blank=True)
    offered_price = NumericField(null=True)
    reason = models.TextField(blank=True)
    substitute = models.JSONField(null=True)
    answer_details = models.JSONField(null=True)
    agreed = models.BooleanField(default=False)
    agreed_price = NumericField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "position"], name="line_position_once")]


class Schedule(HomeModel):
    """A date and a quantity of a line: requested, offered or agreed (or withdrawn: agreed once, and undone)."""

    line = models.ForeignKey(Line, models.CASCADE, related_name="schedules")
    kind = models.CharField(max_length=10)
    position = models.PositiveIntegerField()
    quantity = NumericField()
    due_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "due_on"], name="schedule_due")]


class Step(HomeModel):
    """Who moved a document, when, from which state to which: history, audit and event in one row. Never changed.

    said: the mover's count of moves on this document that crossed to the partner (0: it stayed at home);
    seen: how many of the partner's the mover had seen by then. overruled: it lost against a simultaneous move.
    (epoch, xid, id) is the order of the feed.
    """

    document = models.ForeignKey(Document, models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    own = models.BooleanField()
    by = models.CharField(max_length=150)
    by_id = models.UUIDField(null=True)
    at = models.DateTimeField()
    move = models.CharField(max_length=40)
    before = models.CharField(max_length=30)
    after = models.CharField(max_length=30)
    said = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    overruled = models.BooleanField(default=False)
    data = models.JSONField(default=dict)
    envelope = models.BigIntegerField(null=True)
    epoch = models.IntegerField(db_default=CurrentEpoch())
    xid = models.BigIntegerField(db_default=TransactionId())

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        constraints = [models.UniqueConstraint(fields=["document", "position"], name="step_position_once")]
        indexes = [models.Index(fields=["epoch", "xid", "id"], name="step_feed")]


class Quantity(HomeModel):
    """An amount of progress of one schedule line, with the step that caused it. Sums of these are the progress."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="quantities")
    step = models.ForeignKey(Step, models.CASCADE, related_name="quantities")
    kind = models.CharField(max_length=12)
    quantity = NumericField()


class Message(HomeModel):
    """A word in the thread of a document, which both enterprises read."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="messages")
    own = models.BooleanField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    text = models.TextField(max_length=4000)

    class Meta:
        indexes = [models.Index(fields=["document", "at"], name="message_thread")]


class Attachment(HomeModel):
    """A file beside a document, which both enterprises hold. size: in bytes; sha256: in hexadecimal; stored: its name in the storage of the home."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="attachments")
    own = models.BooleanField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    stored = models.CharField(max_length=40)


class Original(HomeModel):
    """A standard message as it came in, byte for byte, with the step that it made."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="originals")
    step = models.ForeignKey(Step, models.CASCADE, related_name="originals", null=True)
    kind = models.CharField(max_length=40)
    media_type = models.CharField(max_length=100)
    body = models.BinaryField()
    received_at = models.DateTimeField()


class Reply(HomeModel):
    """The answer to a request that bore an Idempotency-Key and was done, kept as long as the documents."""

    key = models.CharField(max_length=255, unique=True)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)
    created_at = models.DateTimeField()


class SavedView(HomeModel):
    """A person's own name for a list with certain filters and columns. query: as it stands in the address."""

    person_id = models.UUIDField()
    type = models.CharField(max_length=40)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=2000, blank=True)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [models.UniqueConstraint(fields=["person_id", "type", "name"], name="saved_view_once")]


class BulkStage(models.TextChoices):
    """checking: the table is read and compared with the documents; checked: somebody has to say go; running; done: it has ended, however."""

    CHECKING = "checking", _("being checked")
    CHECKED = "checked", _("checked")
    RUNNING = "running", _("running")
    DONE = "done", _("done")


class Bulk(HomeModel):
    """One move on many documents, made in the background: with the answers of a table that was uploaded, or the same on each that was picked.

    name: of the file, empty where documents were picked. whole: all or nothing. by, by_kind, by_id: in whose name it is said. touched_at: when the
    worker was last at it. total, done, said: how many documents it is about, how many it has come to, on how many the move was made.
    content: the file, until it is read; rows: its rows as `[number, {column: text}]`; plan: what is to be said, document by document; findings: what
    is wrong with rows, as `[row, column, code, sentence]`; outcomes: why a move was refused, by its index in the plan.
    """

    type = models.CharField(max_length=40)
    move = models.CharField(_("move"), max_length=40)
    name = models.CharField(_("name"), max_length=200, blank=True)
    stage = models.CharField(_("stage"), max_length=10, choices=BulkStage.choices)
    whole = models.BooleanField(_("all or nothing"), default=False)
    stop = models.BooleanField(_("stop"), default=False)
    by = models.CharField(_("by"), max_length=150)
    by_kind = models.CharField(max_length=10)
    by_id = models.UUIDField(null=True)
    language = models.CharField(max_length=10)
    created_at = models.DateTimeField(_("created at"))
    touched_at = models.DateTimeField()
    finished_at = models.DateTimeField(_("finished at"), null=True)
    total = models.PositiveIntegerField(_("documents"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    said = models.PositiveIntegerField(_("said"), default=0)
    message = models.CharField(_("message"), max_length=1000, blank=True)
    content = models.BinaryField(default=bytes)
    rows = models.JSONField(default=list)
    plan = models.JSONField(default=list)
    findings = models.JSONField(default=list)
    outcomes = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("bulk action")
        verbose_name_plural = _("bulk actions")
        indexes = [models.Index(fields=["-created_at", "-id"], name="bulk_recent")]

    def __str__(self) -> str:
        return self.name or self.move
