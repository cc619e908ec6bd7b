"""The small car of Renault: exact counts, the verdicts of the cars that were sold, and what is left after each query."""

from __future__ import annotations

import random
import time

import pytest

from apps.customisation.services import solving
from apps.customisation.services.solving import Unfit, Value
from tests.customisation.renault import car, expected, needed, sold

pytestmark = needed
FILES = ("contraintes.xml", "contraintes_30.xml", "contraintes_60.xml", "contraintes-harder.xml", "contraintes_grosse.xml")


@pytest.mark.parametrize("name", FILES)
def test_counts(name: str) -> None:
    wanted = expected()["counts"][name]
    model = car(name)
    assert (len(model.features), len(model.tables)) == (wanted["variables"], wanted["constraints"])
    assert solving.engine(model).session({}).count == int(wanted["solutions"])


def test_every_file_is_counted() -> None:
    assert set(FILES) == set(expected()["counts"])


def test_verdicts_of_all_cars_that_were_sold() -> None:
    engine = solving.engine(car("contraintes.xml"))

    def verdict(choices: dict[str, str]) -> str:
        try:
            return "V" if engine.possible(choices) else "I"
        except Unfit:
            return "O"

    cars = sold()
    assert [verdict(choices) for choices, _verdict in cars] == [wanted for _choices, wanted in cars]
    assert len(cars) == expected()["sold_cars"]["rows"] == 15_972


def test_queries() -> None:
    """What is left after the choices of each query: how many cars, and which values of every other variable."""
    engine = solving.engine(car("contraintes.xml"))
    queries = expected()["queries"]
    for query in queries:
        chosen: dict[str, Value] = {code: str(value) for code, value in query["chosen"].items()}
        session = engine.session(chosen)
        assert session.count == int(query["remaining_solutions"])
        for offer in session.offers:
            if offer.feature not in chosen:
                every = [int(option.code) for option in engine.model.by_code[offer.feature].options]
                assert sorted(int(value or "") for value in offer.possible) == sorted(query["reduced_domains"].get(offer.feature, every))
    assert len(queries) == 60


def test_no_walk_comes_to_a_dead_end_and_every_grey_value_is_explained() -> None:
    engine, draw = solving.engine(car("contraintes.xml")), random.Random(11)
    taken = []
    for _walk in range(6):
        chosen: dict[str, Value] = {}
        for code in draw.sample(list(engine.model.by_code), 40):
            start = time.perf_counter()
            session = engine.session(chosen)
            taken.append(time.perf_counter() - start)
            assert session.valid
            offer = session.by_feature[code]
            if offer.grey:
                reason = engine.why(chosen, code, draw.choice(offer.grey))
                assert reason is not None
                assert reason.rules
                for change in reason.changes:
                    assert engine.possible(change.choices)
            chosen[code] = draw.choice(offer.possible)
    assert sorted(taken)[len(taken) // 2] < 0.02
