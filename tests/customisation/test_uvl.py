"""UVL: what others wrote is read and counted right, what we write is read as the same, and what is wrong is refused with its place."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from math import log10
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.base.text import Text
from apps.customisation.services import solving, uvl
from apps.customisation.services.solving import Feature, Model, Option, Rule, Table, Value

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "configurator"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="the feature models are not there: ../shared/data/configurator")
BENCHMARK, CONFORMANCE = FOLDER / "feature-models", FOLDER / "uvl-conformance"
D = Decimal


def beside(file: Path) -> Callable[[str], str | None]:
    """The files that a file imports."""

    def fetch(path: str) -> str | None:
        found = file.parent / path
        return found.read_text() if found.is_file() else None

    return fetch


@cache
def model_of(file: Path) -> Model:
    return uvl.read(file.read_text(), beside(file)).model


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.uvl"))


def name(file: Path) -> str:
    return str(file.relative_to(FOLDER)) if file.is_relative_to(FOLDER) else file.name


# The benchmark ---------------------------------------------------------------------------------------------------------

# The DIMACS file leaves the root of BusyBox free (its variable is in no clause), which counts each product twice; that of pc-richmond has
# other features than the UVL file (expected.json says so), so that only the published magnitude is left to compare.
TWICE = "systems_software/BusyBox/Pett2021-2007-05-20_17-12-43"
OTHER = "hardware/pc-richmond/Sprey2020"


@needed
@pytest.mark.parametrize("file", files(BENCHMARK), ids=name)
def test_counts_of_the_benchmark(file: Path) -> None:
    key = str(file.relative_to(BENCHMARK).with_suffix(""))
    wanted = json.loads((FOLDER / "feature_models_expected.json").read_text())[key]
    count = solving.engine(model_of(file)).session({}).count
    assert count is not None
    if key == OTHER:
        assert round(log10(count)) == int(wanted["published_log10_count"])
    else:
        assert count * (2 if key == TWICE else 1) == int(wanted["exact_count_d4"])


@needed
def test_the_root_of_busybox_is_free_in_its_dimacs() -> None:
    lines = (BENCHMARK / f"{TWICE}.dimacs").read_text().splitlines()
    clauses = [line.split()[:-1] for line in lines if line and line[0] not in "cp"]
    assert "c 1 __Root__" in lines
    assert not any(literal in ("1", "-1") for clause in clauses for literal in clause)


@needed
def test_dead_features_of_the_benchmark() -> None:
    """As many as published, a choice without a living option counting once."""
    for file in files(BENCHMARK):
        key = str(file.relative_to(BENCHMARK).with_suffix(""))
        wanted = json.loads((FOLDER / "feature_models_expected.json").read_text())[key]
        model = model_of(file)
        session = solving.engine(model).session({})
        dead = sum(offer.grey.count("yes") if model.by_code[offer.feature].kind == "flag" else len(set(offer.grey) - {None}) for offer in session.offers)
        dead += sum(1 for offer in session.offers if model.by_code[offer.feature].kind == "choice" and offer.possible == (None,))
        assert (key, dead) == (key, int(wanted["dead_features"]))


@needed
@pytest.mark.parametrize("file", files(BENCHMARK), ids=name)
def test_no_walk_through_the_benchmark_comes_to_a_dead_end(file: Path) -> None:
    engine, draw = solving.engine(model_of(file)), random.Random(5)
    chosen: dict[str, Value] = {}
    for code in draw.sample(list(engine.model.by_code), min(40, len(engine.model.features))):
        session = engine.session(chosen)
        assert session.valid
        chosen[code] = draw.choice(session.by_feature[code].possible)
    completed = engine.completed(chosen)
    assert {code: completed[code] for code in chosen} == chosen
    session = engine.session(completed)
    assert (session.valid, session.complete, session.count) == (True, True, 1)


# Conformance -----------------------------------------------------------------------------------------------------------

# Well-formed files that say what a configuration here has no place for: texts to be entered, features chosen several times.
UNSAID = {
    "arithmetic_level/aggregate_functions/lengthAggregation.uvl": "len",
    "complex/Sundermann2024_Pizza.uvl": "len",
    "complex/bike.uvl": "String",
    "generated/fm2.uvl": "len",
    "generated/fm3.uvl": "len",
    "generated/fm4.uvl": "len",
    "language_level/type.uvl": "String",
    "type_level/string-constraints.uvl": "len",
    "type_level/string-quotes.uvl": "String",
    **{f"arithmetic_level/feature_cardinality/fm{number}_fc.uvl": "cardinality" for number in ("04", "06", "08", "10", "15", "17", "21", "22", "23")},
    "arithmetic_level/feature_cardinality/feature-cardinality.uvl": "cardinality",
}
FAULTY = {
    "faulty/illegalname.uvl": (4, 13, "1", "“12B” is neither a number nor a name: a name begins with a letter."),
    "faulty/missingreference.uvl": (7, 5, "C", "There is no feature “C”."),
    "faulty/wrongindent.uvl": (
        *(3, 5, "mandatory"),
        "Here is “mandatory”, and wanted is the end of the features: there is one root, and what is beneath it is indented.",
    ),
    "lexing/dotinfeaturename.uvl": (2, 5, "Fun.Fun", "The name “Fun.Fun” has a dot in it."),
}
# How many products the others have, counted by hand or by trying; 0: read, and then refused because there is none.
COUNTS = {
    "arithmetic_level/aggregate_functions/aggregateFunctions.uvl": 1,
    "arithmetic_level/aggregate_functions/aggregateFunctions03.uvl": 0,
    "arithmetic_level/arithmetic-simpleconstraints.uvl": 1,
    "arithmetic_level/arithmetic_constraints02.uvl": 0,
    "arithmetic_level/feature_cardinality/fm01_fc.uvl": 1,
    "arithmetic_level/feature_cardinality/fm02_fc.uvl": 1,
    "boolean_level/attribute_constraints/fm01_attrctcs.uvl": 5,
    "boolean_level/boolean.uvl": 3,
    "boolean_level/boolean02.uvl": 27,
    "boolean_level/cardinality.uvl": 4,
    "boolean_level/namespace.uvl": 3,
    "composition/Pizzas-imports/Dough.uvl": 2,
    "composition/Pizzas-imports/Pizzas.uvl": 42,
    "composition/Pizzas-imports/Topping.uvl": 7,
    "composition/Pizzas-imports/submodels/Size.uvl": 2,
    "composition/composition_root.uvl": 0,
    "composition/composition_sub1.uvl": 0,
    "composition/composition_sub1_sub1.uvl": 1,
    "composition/composition_sub1_sub2.uvl": 1,
    "composition/nested/nested_referenced_sub.uvl": 4,
    "composition/nested/nested_sub.uvl": 20,
    "composition/nested_main.uvl": 21,
    "language_level/all.uvl": 16_000_016,
    "language_level/arithmetic.uvl": 1,
    "language_level/boolean.uvl": 3,
    "lexing/legalnumbers.uvl": 0,
    "syntax/comments.uvl": 0,
    "syntax/comments_and_blanks/fm02_inline_comment.uvl": 42,
    "syntax/comments_and_blanks/fm03_block_comment.uvl": 42,
    "syntax/comments_and_blanks/fm04_tabs.uvl": 42,
    "syntax/comments_and_blanks/fm05_eof_blanks.uvl": 42,
    "syntax/comments_and_blanks/fm06_comments_and_blanks.uvl": 0,
    "syntax/dash.uvl": None,
    "type_level/nested/string-attributes-external.uvl": 8,
}


@needed
def test_every_file_of_the_conformance_is_judged() -> None:
    assert {str(file.relative_to(CONFORMANCE)) for file in files(CONFORMANCE)} == {*UNSAID, *FAULTY, *COUNTS}


@needed
@pytest.mark.parametrize("path", COUNTS)
def test_well_formed_files_are_read(path: str) -> None:
    model = model_of(CONFORMANCE / path)
    if COUNTS[path] == 0:
        with pytest.raises(solving.Faulty):
            solving.engine(model)
    else:
        assert solving.engine(model).session({}).count == COUNTS[path]


@needed
@pytest.mark.parametrize("path", UNSAID)
def test_what_we_cannot_say_is_refused_with_its_word(path: str) -> None:
    text = (CONFORMANCE / path).read_text()
    with pytest.raises(uvl.Refused) as refused:
        uvl.read(text)
    fault = refused.value.faults[0]
    assert (fault.code, fault.word) == ("unsaid", UNSAID[path])
    line = text.splitlines()[fault.place.line - 1]
    assert fault.word in line if fault.word in ("len", "cardinality") else line.strip().startswith("String"), line


@needed
@pytest.mark.parametrize("path", FAULTY)
def test_faulty_files_are_refused_with_line_and_column(path: str) -> None:
    with pytest.raises(uvl.Refused) as refused:
        uvl.read((CONFORMANCE / path).read_text())
    (fault,) = refused.value.faults if len(refused.value.faults) == 1 else refused.value.faults[:1]
    assert (fault.place.line, fault.place.column, fault.word, fault.sentence) == FAULTY[path]


@needed
@pytest.mark.parametrize("file", [*files(BENCHMARK), *(CONFORMANCE / path for path in COUNTS)], ids=name)
def test_what_is_written_is_read_as_the_same(file: Path) -> None:
    model = model_of(file)
    assert uvl.read(uvl.write(model)).model == model


# Our own models ----------------------------------------------------------------------------------------------------------

FRIDGE = Model(
    code="F-100",
    name=Text("Refrigerator", "冰箱"),
    price=D("300.5"),
    currency="EUR",
    features=(
        Feature(code="colour", kind="choice", name=Text("Colour", "颜色"), options=(Option(code="red", price=D(20)), Option(code="it's white"))),
        Feature(code="door", kind="choice", optional=True, options=(Option(code="red"), Option(code="open", name=Text("Open", "打开")))),
        Feature(code="width", kind="number", minimum=D(600), maximum=D(900), step=D(100), price="(width - 600) * 0.2"),
        Feature(code="height", kind="number", minimum=D("1.5"), maximum=D("2.5"), step=D("0.1")),
        Feature(code="lamp", kind="flag", price="15", attributes=(("watt", D(5)), ("maker.name", "Lux"), ("led", True))),
        Feature(code="sockets", kind="flag", attributes=(("watt", D(50)),)),
    ),
    rules=(
        Rule(code="c1", formula="lamp => width >= 700 and height < 2"),
        Rule(code="c2", formula="colour = red and (door = red or door = open) => not lamp"),
        Rule(code="c3", formula="sum(lamp.watt, sockets.watt) * 2 <= floor(width / 10) + 40"),
        Rule(code="c4", formula="not lamp or not door = open or -height + 3 > 1"),
    ),
)


def test_our_own_model_comes_back_the_same() -> None:
    text = uvl.write(FRIDGE)
    assert uvl.read(text).model == FRIDGE
    assert "F-100" in text


def test_other_words_for_the_same_are_read_as_the_plain_ones() -> None:
    model = Model(code="M", features=FRIDGE.features, rules=(Rule(code="c1", formula="lamp = no or door != open or door in ('red', open)"),))
    assert [rule.formula for rule in uvl.read(uvl.write(model)).model.rules] == ["not lamp or not door = open or door = red or door = open"]


def test_a_table_is_said_row_by_row() -> None:
    features = (Feature(code="a", kind="choice", options=(Option(code="x"), Option(code="y"))), Feature(code="b", kind="flag"))
    model = Model(code="M", features=features, tables=(Table(code="T", features=("a", "b"), rows=(("x", "yes"), ("y", "no"))),))
    read = uvl.read(uvl.write(model)).model
    assert [rule.formula for rule in read.rules] == ["a = x and b or a = y and not b"]
    assert solving.engine(read).session({}).count == solving.engine(model).session({}).count == 2


@pytest.mark.parametrize(("formula", "word"), [("if(lamp, 1, 2) < width", "if"), ("max(width, 3) > 4", "max"), ("count(lamp, sockets) < 2", "count")])
def test_what_uvl_cannot_say_is_refused_with_the_rule(formula: str, word: str) -> None:
    model = Model(code="M", features=FRIDGE.features, rules=(Rule(code="c1", formula=formula),))
    with pytest.raises(uvl.Unwritable) as refused:
        uvl.write(model)
    assert [(fault.place, fault.code, fault.sentence) for fault in refused.value.faults] == [("rules/c1", f"unsaid:{word}", f"UVL has no word for “{word}”.")]


def test_numbers_without_a_range_are_noted() -> None:
    read = uvl.read("features\n\tA\n\t\tmandatory\n\t\t\tInteger B\n\t\t\tReal C {minimum 1, maximum 2}\n")
    assert [(note.place.line, note.place.column, note.word) for note in read.notes] == [(4, 12, "Integer"), (5, 9, "Real")]
    assert (read.model.by_code["B"].minimum, read.model.by_code["C"].step) == (D(-1_000_000), D("0.001"))


REFUSED: list[tuple[str, tuple[int, int], str]] = [
    ("", (1, 1), "Here is “the end of the file”, and wanted is “features”."),
    ("features\n", (2, 1), "Here is “the end of the file”, and wanted is an indented feature."),
    ("features\n\tA\n\t\tB\n", (3, 3), "Here is “B”, and wanted is “mandatory”, “optional”, “or”, “alternative” or a cardinality."),
    ("features\n\tA\n\t\tor\n", (4, 1), "Here is “a change of indentation”, and wanted is an indented feature."),
    ("features\n\tA\n\t\tor\n\t\t\tB\n\t  C\n", (5, 4), "This line is indented like none above it."),
    ("features\n\tA\n\t\tor\n\t\t\tB\n\t\t\tB\n", (5, 4), "“B” stands here twice."),
    ("features\n\tA {x 1, x 2}\n", (2, 10), "“x” stands here twice."),
    ("features\n\tA {x [1, 2]}\n", (2, 7), "A list as the value of an attribute cannot be kept here."),
    ("features\n\tA\n\t\t[3..2]\n\t\t\tB\n", (3, 3), "The cardinality ends before it begins."),
    ("features\n\tA\n\t\t[3..4]\n\t\t\tB\n", (3, 3), "At least 3 of 1 features cannot be chosen."),
    ("features\n\tA\nconstraints\n\tA &\n", (4, 5), "Here is “the end of the line”, and wanted is a name."),
    ("features\n\tA\nconstraints\n\tA & foo(A)\n", (4, 6), "There is no function “foo”."),
    ("features\n\tA\nconstraints\n\tsum(x) > 1\n", (4, 6), "No feature has the attribute “x”."),
    ("features\n\tA {x 1}\nconstraints\n\tA.x\n", (4, 2), "“A.x” is no condition."),
    ("features\n\tA {x 'abc}\n", (2, 7), "The quotation mark is not closed."),
    ("features\n\tA $\n", (2, 4), "“$” has no meaning here."),
    ("imports\n\tb\nfeatures\n\tA\n\t\tor\n\t\t\tb.B\n", (2, 2), "The imported file “b.uvl” is not there."),
    ("features\n\tA\n\t\tor\n\t\t\tb.B\n", (4, 4), "“b” is not imported."),
]


@pytest.mark.parametrize(("text", "place", "sentence"), REFUSED)
def test_bad_files_are_refused_with_line_and_column(text: str, place: tuple[int, int], sentence: str) -> None:
    with pytest.raises(uvl.Refused) as refused:
        uvl.read(text)
    fault = refused.value.faults[0]
    assert ((fault.place.line, fault.place.column), fault.sentence) == (place, sentence)


def test_a_circle_of_imports_is_refused() -> None:
    texts = {"b.uvl": "imports\n\tb as c\nfeatures\n\tB\n\t\tor\n\t\t\tc.B\n"}
    with pytest.raises(uvl.Refused) as refused:
        uvl.read("imports\n\tb\nfeatures\n\tA\n\t\tor\n\t\t\tb.B\n", texts.get)
    (fault,) = refused.value.faults
    assert (fault.place.file, fault.place.line, fault.code) == ("b.uvl", 2, "import")


WORDS = (
    "features",
    "A",
    "\tA",
    "\t\tor",
    "\t\t\tB {x 1}",
    "\t\t\tInteger C",
    "constraints",
    "\tA => B",
    "\tsum(x) < 3",
    "\t[1..2]",
    "imports",
    "\t(((",
    "/* x",
)
lines = st.lists(st.sampled_from(WORDS), max_size=10)


@settings(max_examples=150, deadline=None)
@given(st.one_of(lines.map("\n".join), st.text(max_size=80)))
def test_any_text_is_read_or_refused(text: str) -> None:
    def outcome() -> Any:
        try:
            return uvl.read(text)
        except uvl.Refused as error:
            return error

    found = outcome()
    if isinstance(found, uvl.Refused):
        assert all(fault.sentence and fault.place.line >= 1 and fault.place.column >= 1 for fault in found.faults)
    else:
        assert uvl.read(uvl.write(found.model)).model == found.model
