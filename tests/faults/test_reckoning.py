"""The reckoning after the kills finds what was put in on purpose: what came out of order, and what was done and is refused at its repetition."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from portal.embedded import EmbeddedPostgres
from tests.cast import ask, make_pair, move, order
from tests.faults import stage
from tests.faults.chains import Answer, Talk
from tests.faults.reckoning import out_of_order
from tests.faults.talking import Language


class Here(stage.Stage):
    """The run's own server, asked as the superuser."""

    def ask(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        return ask(query, list(parameters))


def test_what_was_taken_in_out_of_order_is_found(database: None, tmp_path: Path) -> None:
    buyer, seller = make_pair()
    document = order(buyer, seller)
    move(seller, document, "confirm", {"lines": [{"line": 1, "price": "83.00"}]})
    move(buyer, document, "refuse_response")
    here, member = Here(tmp_path, EmbeddedPostgres(tmp_path)), stage.Member(str(seller.id), seller.slug, seller.home.schema, "")
    steps = f'"{seller.home.schema}".documents_step'
    taken = ask(f"SELECT id, position, envelope FROM {steps} WHERE NOT own AND envelope IS NOT NULL ORDER BY position")
    assert [step["envelope"] for step in taken] == [1, 2]
    assert out_of_order(here, member) == []
    first, second = taken
    for step, position in ((first, 1000), (second, first["position"]), (first, second["position"])):
        ask(f"UPDATE {steps} SET position = %s WHERE id = %s", [position, step["id"]])
    assert out_of_order(here, member) == [f"{seller.slug}: {document} took in 1 as step {second['position']}, after 2"]


def refused(code: str) -> Talk:
    talk = Talk(stage.Cast((), ()), Language({}), "", 0, 1, chains=0, clients=1)
    talk._count(Answer(422, {"errors": [{"pointer": "/number", "code": code}]}, replayed=False), "order.enter")
    return talk


def test_what_was_done_and_is_refused_at_its_repetition_is_found() -> None:
    (finding,) = refused("number_taken").book.broken
    assert finding.startswith("order.enter: done, and refused at its repetition")
    other = refused("required").book
    assert (other.broken, sum(other.refused.values())) == ([], 1)
