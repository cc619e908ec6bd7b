"""Verbs of live: say, after the commit, whose pages have something new to read."""

from functools import partial

from django.db import transaction

from apps.documents.services import BulkMoved, ClockSet, Moved
from apps.live import selectors
from apps.live.services import notifying
from apps.network.services import PartnershipChanged, ToleranceSaid

__all__ = ["nudge", "tell", "tell_bulk", "tell_clocks", "tell_partners", "tell_tolerances"]


def tell(news: Moved) -> None:
    """After the commit, wake the sockets of the enterprise in whose home a document was moved."""
    _after_commit(selectors.group_name("events"))


def tell_partners(news: PartnershipChanged) -> None:
    """After the commit, wake the pages of both partners. A partnership is no document: the feed keeps nothing of it."""
    _after_commit(selectors.group_name("network"))
    _after_commit(selectors.group_name_of_partner(news.partner, "network"))


def tell_bulk(news: BulkMoved) -> None:
    """After the commit, wake the pages that show what is done to many documents at once."""
    nudge("bulk")


def tell_clocks(news: ClockSet) -> None:
    """After the commit, wake the pages that show until when an answer is due."""
    nudge("clock")


def tell_tolerances(news: ToleranceSaid) -> None:
    """After the commit, wake the pages that show what is tolerated."""
    nudge("network")


def nudge(topic: str) -> None:
    """After the commit, wake the acting enterprise's pages for something of which the feed keeps nothing: they hear `live:<topic>`."""
    _after_commit(selectors.group_name(topic))


def _after_commit(group: str) -> None:
    # A wake-up that fails costs a second, for the poll finds the news; the move stands.
    transaction.on_commit(partial(notifying.note, group), robust=True)
