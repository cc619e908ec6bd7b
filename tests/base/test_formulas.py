"""Formulas: read, written and computed; whatever the text, there is a formula or a sentence with its place."""

from __future__ import annotations

import string
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.base import formulas
from apps.base.formulas import Among, Binary, Broken, Call, FormulaError, Many, Name, Node, Number, Quoted, Unary, Undefined, Unreadable, parse

D = Decimal

VALUES: list[tuple[str, dict[str, Any], Any]] = [
    ("", {}, True),
    ("  ", {}, True),
    ("2", {}, D(2)),
    ("2 + 3 * 4 - 1", {}, D(13)),
    ("(2 + 3) * 4", {}, D(20)),
    ("-2 * -3", {}, D(6)),
    ("10 - 4 - 3", {}, D(3)),
    ("24 / 4 / 3", {}, D(2)),
    ("floor(1 / 3 * 3)", {}, D(1)),
    ("0.1 + 0.2 = 0.3", {}, True),
    ("ceil(width / 600) * 2", {"width": D(1201)}, D(6)),
    ("min(3, 1, 2) + max(3, 1, 2) + abs(-4)", {}, D(8)),
    ("if(lamp, 10, 20)", {"lamp": "yes"}, D(10)),
    ("if(lamp, 10, 20)", {"lamp": "no"}, D(20)),
    ("if(lamp, 10, 20)", {"lamp": True}, D(10)),
    ("if(lamp, 10, 1 / 0)", {"lamp": "yes"}, D(10)),
    ("colour", {"colour": "red"}, "red"),
    ("colour", {"colour": None}, None),
    ("red", {}, "red"),
    ("colour = red and width > 600", {"colour": "red", "width": D(601)}, True),
    ("colour = red & !(width > 600)", {"colour": "red", "width": D(601)}, False),
    ("colour = 'dark red'", {"colour": "dark red"}, True),
    ("colour = 'it''s'", {"colour": "it's"}, True),
    ("colour in (red, 'white')", {"colour": "white"}, True),
    ("colour in (red, white)", {"colour": None}, False),
    ("colour = red", {}, False),
    ("colour != red", {"colour": None}, True),
    ("colour = colour", {"colour": None}, False),
    ("width > 600", {"width": None}, False),
    ("width <= 600", {}, False),
    ("width + 1 > 600", {"width": None}, False),
    ("width + 1 != 600", {"width": None}, True),
    ("size = 600", {"size": "600"}, True),
    ("size + 1", {"size": "600"}, D(601)),
    ("lamp", {"lamp": "yes"}, "yes"),
    ("not lamp", {"lamp": None}, True),
    ("lamp = yes", {"lamp": True}, True),
    ("level or lamp", {"level": D(0), "lamp": "no"}, True),
    ("a => b => c", {"a": "yes", "b": "yes", "c": "no"}, False),
    ("(a => b) => c", {"a": "no", "b": "no", "c": "no"}, False),
    ("a <=> b", {"a": "no", "b": None}, True),
    ("count(a, b, c = x)", {"a": "yes", "b": "no", "c": "x"}, D(2)),
    ("sum(a, b)", {"a": D(3), "b": None}, D(3)),
    ("avg(a, b, 4)", {"a": D(2), "b": None}, D(3)),
    ("group(p, 1, 2, a, b, c)", {"p": "yes", "a": "yes", "b": "yes", "c": "no"}, True),
    ("group(p, 1, 2, a, b, c)", {"p": "yes", "a": "no", "b": "no", "c": "no"}, False),
    ("group(p, 0, 2, a, b)", {"p": "no", "a": "yes", "b": "no"}, False),
    ("group(yes, 1, 1, a, b)", {"a": "yes", "b": "no"}, True),
    ('"RAM-module".size > 3', {"RAM-module.size": D(4)}, None),
    ('"RAM module" => 2wd', {"RAM module": "yes", "2wd": "yes"}, True),
    ("door.width = 3", {"door.width": D(3)}, True),
    ("颜色 = 红", {"颜色": "红"}, True),
]


@pytest.mark.parametrize(("text", "choices", "value"), [case for case in VALUES if case[2] is not None or case[0] == "colour"])
def test_values(text: str, choices: dict[str, Any], value: Any) -> None:
    formula = parse(text)
    found = formula.value(choices)
    assert (found, type(found)) == (value, type(value))
    assert parse(str(formula)) == formula


UNREADABLE = [
    ("a +", 4, "A name, a number or a text is missing here."),
    ("(a", 3, "“)” is missing here."),
    ("a)", 2, "“)” is not expected here."),
    ("a b", 3, "“b” is not expected here."),
    ("x = 'abc", 5, "The quotation mark is not closed."),
    ("a # b", 3, "“#” has no meaning in a formula."),
    ("1 + foo(2)", 5, "There is no function “foo”."),
    ("if(a, 2)", 1, "“if” does not take 2 values."),
    ("1 < 2 < 3", 7, "Two comparisons in a row need “and” or parentheses."),
    ("a in b", 6, "“(” is missing here."),
    ("(" * 200 + "1", 62, "The formula is nested too deeply."),
    ("-" * 200 + "1", 62, "The formula is nested too deeply."),
    ("1" + "*1" * 100, 120, "The formula is nested too deeply."),
    ("9" * 41, 1, "The number is too long."),
    ("a" * 20_001, 20_001, "A formula has at most 20000 characters."),
]


@pytest.mark.parametrize(("text", "column", "sentence"), UNREADABLE)
def test_what_is_no_formula_is_told_with_its_column(text: str, column: int, sentence: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse(text)
    assert (refused.value.column, refused.value.sentence) == (column, sentence)
    assert isinstance(refused.value, ValueError)


BROKEN: list[tuple[str, dict[str, Any], type[FormulaError], str]] = [
    ("100 / (a - 2)", {"a": D(2)}, Broken, "“100 / (a - 2)” divides by zero."),
    ("colour + 1", {"colour": "red"}, Broken, "“colour” is the text “red”, and no number."),
    ("colour > 3", {"colour": "red"}, Broken, "“colour” and “3” cannot be compared by size: one of them is a text."),
    ("width + 1", {}, Undefined, "“width” has no value here."),
    ("width + 1", {"width": None}, Undefined, "“width” has no value here."),
    ("(a and b) + 1", {}, Broken, "“a and b” is no number."),
    ("a and 3", {"a": "yes"}, Broken, "“3” is no condition."),
    ("a + 1", {"a": D("1E+50")}, Broken, "The number is too large."),
    ("a + 1", {"a": D("NaN")}, Broken, "The number is too large."),
]


@pytest.mark.parametrize(("text", "choices", "kind", "sentence"), BROKEN)
def test_what_cannot_be_computed_is_told(text: str, choices: dict[str, Any], kind: type[FormulaError], sentence: str) -> None:
    with pytest.raises(FormulaError) as refused:
        parse(text).value(choices)
    assert (type(refused.value), refused.value.sentence) == (kind, sentence)


def test_sentences_are_in_the_language_of_the_reader() -> None:
    with translation.override("zh-hans"), pytest.raises(Broken, match="“1 / 0”的除数为零。"):
        parse("1 / 0").value({})


def test_conditions_and_amounts() -> None:
    assert parse("").holds({}) is True
    assert parse("width > 2").holds({"width": D(3)}) is True
    assert parse("1 / 8").amount({}) == D("0.125")
    assert str(parse("1 / 3").amount({})) == "0." + "3" * 50
    with pytest.raises(Broken, match=r"A number is missing here\."):
        parse("").amount({})
    with pytest.raises(Broken, match=r"“a = b” is no number\."):
        parse("a = b").amount({})


def test_names() -> None:
    assert parse("colour = red and \"RAM-module\" > door.width or 'text' = 3").names == {"colour", "red", "RAM-module", "door.width"}


def test_a_large_formula_does_not_exhaust_the_stack() -> None:
    names = [f"f{number}" for number in range(1_500)]
    formula = parse(" or ".join(names))
    assert formula.holds({"f1499": "yes"})
    assert parse(" + ".join(names)).amount(dict.fromkeys(names, D(2))) == 3_000


# Laws ------------------------------------------------------------------------------------------------------------------

words = st.text(alphabet=string.ascii_lowercase + "_äß红", min_size=1, max_size=5).filter(lambda word: word not in formulas.WORDS)
names = st.one_of(words, st.text(alphabet="ab .-&/", min_size=1, max_size=6))
leaves: st.SearchStrategy[Node] = st.one_of(
    st.decimals(min_value=0, max_value=10_000, places=2, allow_nan=False).map(Number),
    st.text(alphabet="ab' \\é", max_size=5).map(Quoted),
    names.map(Name),
)


def grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """One step more: what the reader can build, flat where it is flat."""
    several = st.lists(inner, min_size=2, max_size=3)
    compared = st.sampled_from(sorted(formulas.COMPARISONS))
    return st.one_of(
        st.builds(Unary, st.sampled_from(["not", "-"]), inner),
        st.builds(Binary, st.sampled_from(["=>", "<=>", "*", "/"]), inner, inner),
        st.builds(Binary, compared, inner, inner),
        st.builds(formulas.joined, st.sampled_from(["and", "or", "+"]), several),
        st.builds(Among, inner, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Call, st.sampled_from(["min", "max", "sum", "avg", "count"]), several.map(tuple)),
        st.builds(Call, st.just("if"), st.tuples(inner, inner, inner)),
        st.builds(Call, st.just("group"), st.tuples(inner, st.just(Number(D(1))), st.just(Number(D(2))), inner)),
    )


trees = st.recursive(leaves, grown, max_leaves=25)


def outcome(asked: Callable[[], Any]) -> Any:
    """What comes back, the refusal too."""
    try:
        return asked()
    except FormulaError as error:
        return error


@settings(max_examples=200, deadline=None)
@given(trees)
def test_what_is_written_is_read_as_the_same(node: Node) -> None:
    assert parse(formulas.written(node)).root == node


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.one_of(st.sampled_from("ab1 .,'\"()=<>!&|+-*/inotrd\n"), st.characters()), max_size=60))
@example("a" + "(" * 70)
@example("\x00")
def test_any_text_is_a_formula_or_told_why_not(text: str) -> None:
    found = outcome(lambda: parse(text))
    if isinstance(found, FormulaError):
        assert isinstance(found, Unreadable)
        assert found.sentence
        assert 1 <= found.column <= len(text) + 1
    else:
        assert parse(str(found)) == found


choices = st.dictionaries(names, st.one_of(st.none(), words, st.booleans(), st.decimals(allow_nan=True, allow_infinity=True)), max_size=6)


@settings(max_examples=200, deadline=None)
@given(trees, choices)
def test_any_formula_has_a_value_or_a_sentence(node: Node, chosen: dict[str, Any]) -> None:
    formula = parse(formulas.written(node))
    found = outcome(lambda: formula.value(chosen))
    if isinstance(found, FormulaError):
        assert isinstance(found, Undefined | Broken)
        assert found.sentence
    else:
        assert found is None or type(found) in (bool, str, Decimal)


@settings(max_examples=100, deadline=None)
@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(1, 1000))
def test_arithmetic_is_exact(one: int, two: int, three: int) -> None:
    chosen = {"a": D(one), "b": D(two), "c": D(three)}
    assert parse("(a / c + b / c) * c = a + b").holds(chosen)
    assert parse("floor(a / c)").amount(chosen) == one // three
    assert parse("ceil(a / c)").amount(chosen) == -(-one // three)


def test_many_reads_one_level() -> None:
    assert parse("a and (b and c)").root == Many("and", (Name("a"), Name("b"), Name("c")))
