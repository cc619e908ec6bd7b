"""What the exchange contributes: it sends by reaction, writes documents as standard messages, and tells why one was refused."""

from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.base.announcing import Held
from apps.base.problems import Problem, problem_of
from apps.documents.services import Added, Moved
from apps.exchange.formats import MEDIA_TYPES, Finding, Refused, UnknownMediaType
from apps.exchange.services import NoAnswer
from apps.exchange.services.lifting import Stuck
from apps.tenants.services import Closed, Leaving, Provisioned

REACTIONS = {
    Moved: ["apps.exchange.services.send"],
    Added: ["apps.exchange.services.send_added"],
    Provisioned: ["apps.exchange.services.make_first_key"],
    Closed: ["apps.exchange.services.finish"],
    Leaving: ["apps.exchange.services.forget_key"],
}

_BY_CHANNEL = ("channel_id", "exchange_channel")
_MINE = "%(me)s IN (sender_id, receiver_id)"
_CHANNELS = f"SELECT id FROM exchange_channel WHERE {_MINE}"
_RETIRE = "UPDATE exchange_signingkey SET retired_at = %(at)s WHERE enterprise_id = %(me)s AND retired_at IS NULL"
_PARTIES = f"SELECT %(me)s UNION SELECT sender_id FROM exchange_channel WHERE {_MINE} UNION SELECT receiver_id FROM exchange_channel WHERE {_MINE}"
# The log and the public keys stay for the partners, who prove with them what was said; the private keys go.
HELD = [
    Held(
        table="exchange_signingkey",
        mine=f"enterprise_id IN ({_PARTIES})",
        same=("id", "enterprise_id", "public"),
        parties=("enterprise_id",),
        left=_RETIRE,
        arrived=_RETIRE,
    ),
    Held(table="exchange_sealedkey", mine="false", left="DELETE FROM exchange_sealedkey WHERE enterprise_id = %(me)s", moved=False),
    Held(
        table="exchange_channel",
        mine=_MINE,
        same=("id", "partnership_id", "sender_id", "receiver_id", "head", "digest"),
        parties=("sender_id", "receiver_id"),
    ),
    Held(
        table="exchange_cursor", mine=f"channel_id IN ({_CHANNELS})", same=("id", "channel_id", "receiver_id", "delivered", "digest"), parties=("receiver_id",)
    ),
    Held(
        table="exchange_envelope",
        mine=_MINE,
        same=("channel_id", "seq", "sender_id", "receiver_id", "kind", "document", "seen", "body", "digest", "signature", "key_id", "at"),
        parties=("sender_id", "receiver_id"),
        sealed_by=_BY_CHANNEL,
    ),
    Held(
        table="exchange_receipt", mine=f"channel_id IN ({_CHANNELS})", same=("channel_id", "seq", "digest", "signature", "key_id", "at"), sealed_by=_BY_CHANNEL
    ),
]

# What can be asked for as a standard message, in which media types, and who writes it.
WRITERS = {kind: dict.fromkeys(MEDIA_TYPES, "apps.exchange.services.write") for kind in ("order", "order_response", "order_change", "order_cancellation")}


def _sentence(finding: Finding) -> str:
    return f"{finding.text} {finding.mend}".strip()


def _findings(error: Refused) -> dict[str, Any]:
    return {"errors": [{"pointer": finding.place, "code": finding.rule, "detail": _sentence(finding)} for finding in error.findings]}


def _reason(error: Stuck) -> str:
    """What a partner refused in so many words is told so; what merely broke at him is nobody's but his own."""
    cause = error.__cause__
    while isinstance(cause, Stuck):
        cause = cause.__cause__
    if cause is None or problem_of(cause) is not None:
        return str(error)
    return _now("Something went wrong there, and nothing was changed. Try again, or ask the partner to look at it.")


PROBLEMS = {
    NoAnswer: Problem(status=409, code="no-answer", title=_("Your partner gives no answer.")),
    Stuck: Problem(status=409, code="partner-cannot-take-it", title=_("Your partner cannot take this in."), detail=_reason),
    Refused: Problem(
        status=422, code="message-refused", title=_("The message cannot be taken."), more=_findings, detail=lambda error: _sentence(error.findings[0])
    ),
    UnknownMediaType: Problem(
        status=415,
        code="unsupported-media-type",
        title=_("This media type is not taken here."),
        detail=lambda error: _now("Send one of: %(known)s.") % {"known": ", ".join(MEDIA_TYPES)},
    ),
}
