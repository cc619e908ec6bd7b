"""The exchange in simulated time: in a million steps (by night ten million) nothing is lost, doubled, or different on two sides; what is put in is found."""

from __future__ import annotations

import contextlib
import gc
import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.documents.services import folding
from apps.exchange.services import lifting
from tests import seeds, tally
from tests.faults import rows, saying, simulation
from tests.faults.simulation import Anomaly, Simulation
from tests.faults.world import FATES, Database

STEPS, NIGHT = 1_000_000, 10_000_000
PART = 250_000
"""After so many steps it is looked for circles: what was raised refers to where it was raised, and ten million steps would leave nineteen gigabytes of it."""
SMALL = 60_000
"""Steps within which a fault that was put in must be found."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What halts a channel is logged as an error, with where it comes from: here it is as frequent as everything else."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Rows refer to no rows, so there are few circles to be looked for; looking all the time takes a sixth of it."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def simulate(steps: int) -> None:
    seed, began = seeds.fresh(), time.monotonic()
    world = Simulation(seed)
    with uncollected():
        for _part in range(steps // PART):
            world.run(PART)
            gc.collect()
    crossing = {f"{kind.code}.{move.code}" for kind in saying.ALL for move in kind.moves if move.crosses}
    assert set(world.moves) == crossing
    assert {*FATES, "committed"} == set(world.db.met)
    refused = ("refused: NotAllowed", "refused: NoPartner", "refused: Stuck")
    wanted = ("met", "request lost", "answer lost", "crash", "a tier could not go on", "4 in one conversation", *refused)
    assert [what for what in wanted if not world.happened[what]] == []
    failed = sum(count for fate, count in world.db.met.items() if fate != "committed")
    more = {"envelopes": sum(world.moves.values()), "transactions failed": failed, "crashes": world.happened["crash"], "met": world.happened["met"]}
    tally.tell("simulated exchange", tried=world.steps, seconds=time.monotonic() - began, seed=seed, **more)


def test_nothing_is_lost_in_many_steps() -> None:
    simulate(STEPS)


@pytest.mark.night
def test_nothing_is_lost_in_ten_million_steps() -> None:
    simulate(NIGHT)


def heads(seed: int) -> list[Any]:
    world = Simulation(seed)
    world.run(6_000)
    return [world.db.rows.get(("head", way)) for way in world.channels]


def test_one_seed_gives_one_course_of_things() -> None:
    seed = seeds.fresh()
    assert heads(seed) == heads(seed) != heads(seed + 1)


# Faults put in on purpose --------------------------------------------------------------------------------------------


def _cursor_outside_the_transaction(patch: pytest.MonkeyPatch) -> None:
    def advance(lane: simulation.Inbound, reached: lifting.Reached) -> None:
        lane.db.rows["cursor", lane.way] = rows.Cursor(reached.delivered, reached.digest)

    patch.setattr(simulation.Inbound, "advance", advance)


def _envelope_swallowed(patch: pytest.MonkeyPatch) -> None:
    real = lifting.take

    def take(lane: lifting.Lane, reached: lifting.Reached, envelope: lifting.Taken) -> None:
        if envelope.seq % 97:
            real(lane, reached, envelope)
        else:
            reached.delivered, reached.digest = envelope.seq, envelope.digest

    patch.setattr(lifting, "take", take)


def _envelope_left_out_of_the_log(patch: pytest.MonkeyPatch) -> None:
    real = Database.put

    def put(db: Database, key: Any, value: Any) -> None:
        if key[0] != "envelope" or key[2] % 97:
            real(db, key, value)

    patch.setattr(Database, "put", put)


def _envelope_taken_twice(patch: pytest.MonkeyPatch) -> None:
    real = lifting.take

    def take(lane: lifting.Lane, reached: lifting.Reached, envelope: lifting.Taken) -> None:
        before = reached.delivered, reached.digest
        real(lane, reached, envelope)
        if envelope.seq % 97 == 0:
            reached.delivered, reached.digest = before
            real(lane, reached, envelope)

    patch.setattr(lifting, "take", take)


def _cursor_not_advanced(patch: pytest.MonkeyPatch) -> None:
    real = simulation.Inbound.advance

    def advance(lane: simulation.Inbound, reached: lifting.Reached) -> None:
        if reached.delivered % 97:
            real(lane, reached)

    patch.setattr(simulation.Inbound, "advance", advance)


def _request_done_twice(patch: pytest.MonkeyPatch) -> None:
    real = Database.get
    patch.setattr(Database, "get", lambda db, key: None if key[0] == "reply" else real(db, key))


def _heavier_move_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding, "_weight", lambda document_type, said: 0)


def _heavier_move_ignored_by_one_side(patch: pytest.MonkeyPatch) -> None:
    """As while two versions of the portal run side by side."""
    real, chance = folding._weight, random.Random(1)
    patch.setattr(folding, "_weight", lambda document_type, said: real(document_type, said) if chance.random() < 0.5 else 0)


def _simultaneous_moves_in_the_order_of_arrival(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding, "simultaneous", lambda said, *, others: False)


def _confirmed_quantity_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("apps.documents.services.storing.confirmed", lambda gone, come: [(row[0], row[4]) for row in come if row[2] == "agreed"])


def _halted_for_good(patch: pytest.MonkeyPatch) -> None:
    real = lifting.due
    patch.setattr(simulation, "EPISODE", 300)  # whoever says more lets the channel be tried again: it must come to rest often
    patch.setattr(lifting, "due", lambda *, halted_at, attempts, now: halted_at is None and real(halted_at=halted_at, attempts=attempts, now=now))


def _chain_not_continued(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("apps.exchange.services.chaining.digest_of", lambda body, previous: bytes(32))


MUTANTS: list[Callable[[pytest.MonkeyPatch], None]] = [
    _cursor_outside_the_transaction,
    _envelope_swallowed,
    _envelope_left_out_of_the_log,
    _envelope_taken_twice,
    _cursor_not_advanced,
    _request_done_twice,
    _heavier_move_ignored,
    _heavier_move_ignored_by_one_side,
    _simultaneous_moves_in_the_order_of_arrival,
    _confirmed_quantity_forgotten,
    _halted_for_good,
    _chain_not_continued,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.__name__.strip("_") for mutant in MUTANTS])
def test_a_fault_put_in_on_purpose_is_found(mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    with pytest.raises(Anomaly) as found:
        Simulation(seeds.fresh()).run(SMALL)
    print(found.value.args[0][:200])
