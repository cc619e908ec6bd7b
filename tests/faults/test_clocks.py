"""What a clock says is said once, whatever breaks while it is said, and however many say it."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import pytest
from django.db import DatabaseError, connection

from apps.base.acting import SYSTEM
from apps.documents.models import Document, Step
from apps.documents.services import tick
from apps.documents.services.clocking import STAGES
from tests import tally
from tests.cast import AT, Member, order, outside
from tests.faults.breaking import Kind, failing_at

LATE = AT + dt.timedelta(days=2, hours=1)
NOTHING, ONCE = ("running", []), ("late", ["overdue"])
BEATS, TURNS = 4, 16


def clocked(pair: tuple[Member, Member], count: int = 1) -> tuple[Member, list[str]]:
    """A buyer, and orders whose answers will be late."""
    buyer, seller = pair
    orders = [str(order(buyer, seller)) for _order in range(count)]
    turn(buyer, AT + dt.timedelta(minutes=1))
    return buyer, orders


def turn(member: Member, at: dt.datetime = LATE) -> int:
    with member.acting(SYSTEM):
        return tick(at=at)


def said(member: Member, uid: str) -> tuple[str, list[str]]:
    """How far a clock is, and what stands of it in the history."""
    moves = [step for *_rest, step in STAGES]
    with member.acting():
        found = Step.objects.filter(document=uid, move__in=moves).order_by("position").values_list("move", flat=True)
        return Document.objects.get(pk=uid).answer_stage, list(found)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_fault_at_every_statement_of_a_turn_leaves_nothing_half_said(pair: tuple[Member, Member], kind: Kind) -> None:
    member, (uid,) = clocked(pair)
    began = time.monotonic()
    for number in itertools.count(1):
        before = said(member, uid)
        # Where the whole turn fails, the beat's task tells, and the next turn goes on.
        with failing_at(number, kind) as statements, contextlib.suppress(DatabaseError):
            outside(turn, member)
        connection.close_if_unusable_or_obsolete()
        assert (before, said(member, uid)) in ((NOTHING, NOTHING), (NOTHING, ONCE), (ONCE, ONCE))
        if statements.count < number:
            break
    turn(member)
    lost = int(said(member, uid) != ONCE)
    tally.tell(f"faults: clocks, {kind}", tried=number, lost=lost, seconds=time.monotonic() - began)
    assert number > 5
    assert not lost


def test_many_beats_at_once_say_each_thing_once(pair: tuple[Member, Member]) -> None:
    member, orders = clocked(pair, 4)
    began = time.monotonic()
    with ThreadPoolExecutor(BEATS) as pool:
        wound = list(pool.map(lambda _turn: outside(turn, member), range(TURNS)))
    lost = sum(said(member, uid) != ONCE for uid in orders)
    tally.tell("faults: clocks wound by 4 beats at once", tried=TURNS * len(orders), lost=lost, seconds=time.monotonic() - began, wound=sum(wound))
    assert not lost
