"""The engine: what is offered, forced, grey and why, prices, and bad models; proved against trying every product."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.base import formulas
from apps.base.text import Text
from apps.customisation.services import solving
from apps.customisation.services.solving import Feature, Limits, Model, Option, Rule, Table, Unfit, Value
from apps.customisation.services.solving.compiling import NotCompiled, compiled
from apps.customisation.services.solving.searching import Searched
from apps.customisation.services.solving.walking import Walked

D = Decimal
SEARCHED = Limits(single=0, cells=0, combinations=0, states=0, grid=0, seconds=0.0)


def choice(code: str, *options: str, **more: Any) -> Feature:
    return Feature(code=code, kind="choice", options=tuple(Option(code=option) for option in options), **more)


def number(code: str, least: int, most: int, step: int = 1, **more: Any) -> Feature:
    return Feature(code=code, kind="number", minimum=D(least), maximum=D(most), step=D(step), **more)


def flag(code: str, **more: Any) -> Feature:
    return Feature(code=code, kind="flag", **more)


def model(*features: Feature, rules: Mapping[str, str] | None = None, tables: tuple[Table, ...] = (), **more: Any) -> Model:
    said = tuple(Rule(code=code, formula=formula) for code, formula in (rules or {}).items())
    return Model(code="M", features=features, rules=said, tables=tables, **more)


FRIDGE = model(
    Feature(code="colour", kind="choice", options=(Option(code="red", price=D(20)), Option(code="white"), Option(code="steel", price=D("35.5")))),
    number("width", 600, 3000, price="(width - 600) * 0.2"),
    flag("lamp", price="15"),
    choice("handle", "short", "long", "none", optional=True),
    flag("note"),
    rules={"R1": "lamp => width >= 700", "R2": "colour = red => lamp", "R3": "handle = short => width < 650"},
    price=D(300),
)


def values(feature: Feature) -> list[Value]:
    if feature.kind == "flag":
        return ["yes", "no"]
    found: list[Value] = [option.code for option in feature.options]
    if feature.kind == "number":
        assert feature.minimum is not None
        assert feature.maximum is not None
        step = feature.step or D(1)
        found = [str(feature.minimum + step * place) for place in range(int((feature.maximum - feature.minimum) / step) + 1)]
    return [*found, None] if feature.optional else found


def products(of: Model, choices: Mapping[str, Value] | None = None) -> Iterator[dict[str, Value]]:
    """Every product there is, by trying."""
    chosen = choices or {}
    domains = [[chosen[feature.code]] if feature.code in chosen else values(feature) for feature in of.features]
    attributes = {f"{feature.code}.{name}": (feature.code, value) for feature in of.features for name, value in feature.attributes}
    for combination in itertools.product(*domains):
        product = dict(zip(of.by_code, combination, strict=True))
        seen: dict[str, Any] = {code: D(value) if of.by_code[code].kind == "number" and value is not None else value for code, value in product.items()}
        seen |= {name: value if product[owner] not in (None, "no") else None for name, (owner, value) in attributes.items()}
        tables = all(tuple(product[code] for code in table.features) in table.rows for table in of.tables)
        if tables and all(formulas.parse(rule.formula).holds(seen) for rule in of.rules):
            yield product


# What a session says -----------------------------------------------------------------------------------------------------


def test_at_first_everything_is_open_that_some_product_has() -> None:
    session = solving.engine(FRIDGE).session({})
    assert (session.valid, session.complete, session.count, session.conflict) == (
        True,
        False,
        2 * (2 * (3 * 2401 + 50) + 3 * 3 * 2301 - 2 * 3 * 2301 + 2 * 3 * 2301),
        None,
    )
    assert [(offer.feature, offer.state, offer.possible, offer.grey) for offer in session.offers if offer.feature != "width"] == [
        ("colour", "open", ("red", "white", "steel"), ()),
        ("lamp", "open", ("yes", "no"), ()),
        ("handle", "open", ("short", "long", "none", None), ()),
        ("note", "open", ("yes", "no"), ()),
    ]
    assert session.by_feature["width"].ranges == ((D(600), D(3000)),)


def test_what_follows_is_forced_and_what_leads_nowhere_is_grey() -> None:
    session = solving.engine(FRIDGE).session({"colour": "red"})
    offers = session.by_feature
    assert session.decided == {"colour": "red", "lamp": "yes"}
    assert (offers["lamp"].state, offers["lamp"].value, offers["lamp"].grey) == ("forced", "yes", ("no",))
    assert (offers["handle"].possible, offers["handle"].grey) == (("long", "none", None), ("short",))
    assert (offers["width"].least, offers["width"].most) == (D(700), D(3000))
    assert (offers["colour"].state, offers["colour"].possible) == ("chosen", ("red", "white", "steel"))


def test_why_an_option_is_grey_and_what_would_allow_it() -> None:
    engine = solving.engine(FRIDGE)
    reason = engine.why({"note": "yes", "colour": "red"}, "handle", "short")
    assert reason is not None
    assert [str(rule) for rule in reason.rules] == ["lamp => width >= 700", "colour = red => lamp", "handle = short => width < 650"]
    assert reason.choices == (("colour", "red"),)
    (change,) = reason.changes
    assert change.changed == (("handle", "short"), ("colour", "open"))
    assert change.choices == {"note": "yes", "handle": "short"}
    assert engine.session(change.choices).valid
    assert engine.why({"colour": "white"}, "handle", "short") is None


def test_a_conflict_says_the_fewest_rules_and_choices_and_the_ways_out() -> None:
    session = solving.engine(FRIDGE).session({"note": "yes", "lamp": "yes", "width": "610", "colour": "white"})
    assert (session.valid, session.count) == (False, 0)
    assert session.conflict is not None
    assert [rule.code for rule in session.conflict.rules] == ["R1"]
    assert session.conflict.choices == (("width", "610"), ("lamp", "yes"))
    assert [change.changed for change in session.conflict.changes] == [(("lamp", "no"),), (("width", "open"),)]
    for change in session.conflict.changes:
        assert solving.engine(FRIDGE).session(change.choices).valid


def test_a_whole_product_and_its_price() -> None:
    engine = solving.engine(FRIDGE)
    assert engine.completed({"colour": "red"}) == {"colour": "red", "width": "700", "lamp": "yes", "handle": None, "note": "no"}
    price = engine.price({"colour": "red", "width": "1000"})
    assert (price.amount, price.base) == (D(415), D(300))
    assert price.parts == (("colour", "red", D(20)), ("width", "", D(80)), ("lamp", "", D(15)))
    with pytest.raises(solving.Contradictory) as refused:
        engine.completed({"lamp": "yes", "width": "650"})
    assert [rule.code for rule in refused.value.reason.rules] == ["R1"]


def test_a_price_that_waits_for_a_choice_is_named() -> None:
    engine = solving.engine(model(flag("lamp", price="length * 2"), number("length", 1, 100)))
    price = engine.price({"lamp": "yes"})
    assert (price.amount, price.open) == (D(0), ("lamp",))
    assert engine.price({"lamp": "yes", "length": "3"}).amount == D(6)


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"wheel": "yes"}, "There is no feature “wheel”."),
        ({"colour": "green"}, "“colour” cannot be “green”."),
        ({"colour": None}, "“colour” cannot be left out."),
        ({"width": "600.5"}, "“width” is a number from 600 to 3000 in steps of 1."),
        ({"width": "599"}, "“width” is a number from 600 to 3000 in steps of 1."),
        ({"width": "wide"}, "“width” is a number from 600 to 3000 in steps of 1."),
        ({"lamp": "maybe"}, "“lamp” cannot be “maybe”."),
    ],
)
def test_choices_that_the_model_does_not_know(choices: dict[str, Value], sentence: str) -> None:
    with pytest.raises(Unfit) as refused:
        solving.engine(FRIDGE).session(choices)
    assert (refused.value.feature, refused.value.sentence) == (next(iter(choices)), sentence)


def test_numbers_are_written_plainly() -> None:
    assert solving.engine(FRIDGE).session({"width": "700.00"}).choices == {"width": "700"}


def test_circular_requirements_are_fine() -> None:
    session = solving.engine(model(flag("a"), flag("b"), flag("c"), rules={"1": "a => b", "2": "b => c", "3": "c => a"})).session({"a": "yes"})
    assert (session.complete, session.decided) == (True, {"a": "yes", "b": "yes", "c": "yes"})


def test_an_explanation_is_in_the_language_of_the_reader() -> None:
    assert str(Rule(code="R", formula="a => b", explanation=Text("a needs b", "a 需要 b"))) == "a needs b"


# Bad models --------------------------------------------------------------------------------------------------------------

BAD: list[tuple[str, Model, list[tuple[str, str, int, str]]]] = [
    (
        "contradictory rules",
        model(flag("a"), flag("b"), rules={"1": "a => b", "2": "a", "3": "not b", "4": "a or b"}),
        [("rules/1", "contradictory", 0, "No product fulfils these rules together: 1, 2, 3.")],
    ),
    ("no product", model(flag("a"), rules={"1": "a and not a"}), [("rules/1", "contradictory", 0, "No product fulfils this rule.")]),
    ("constant", model(flag("a"), rules={"1": "1 = 2"}), [("rules/1", "contradictory", 0, "No product fulfils this rule.")]),
    ("unreadable", model(flag("a"), rules={"1": "a => "}), [("rules/1", "unreadable", 6, "A name, a number or a text is missing here.")]),
    ("unknown name", model(flag("a"), rules={"1": "a => bb"}), [("rules/1", "unknown", 6, "There is no feature “bb”.")]),
    ("bare option", model(choice("c", "x", "y"), rules={"1": "not x"}), [("rules/1", "unknown", 5, "“x” is an option: write “c = x”.")]),
    ("wrong option", model(choice("c", "x", "y"), rules={"1": "c = z"}), [("rules/1", "unknown", 5, "“c” has no option “z”.")]),
    ("number as text", model(number("n", 1, 9), rules={"1": "n = z"}), [("rules/1", "unknown", 5, "“n” is a number, and never “z”.")]),
    (
        "division by zero",
        model(number("n", 0, 9), flag("a"), rules={"1": "a => 10 / n > 2"}),
        [("rules/1", "broken", 0, "“10 / n” divides by zero. So with a = yes, n = 0.")],
    ),
    (
        "division in a price",
        model(number("n", 0, 9, price="100 / (n - 3)")),
        [("features/n/price", "broken", 0, "“100 / (n - 3)” divides by zero. So with n = 3.")],
    ),
    (
        "division in a price of a wide number",
        model(number("n", 0, 900_000), number("m", 0, 900_000, price="100 / (n + m - 3)")),
        [("features/m/price", "broken", 0, "“100 / (n + m - 3)” may divide by zero.")],
    ),
    ("text in a sum", model(choice("c", "x"), rules={"1": "c + 1 > 2"}), [("rules/1", "broken", 0, "“c” is the text “x”, and no number. So with c = x.")]),
    ("no options", model(choice("c")), [("features/c/options", "empty", 0, "“c” has no options.")]),
    ("twice", model(flag("a"), flag("a")), [("features/a", "repeated", 0, "“a” stands here twice.")]),
    ("no range", model(Feature(code="n", kind="number")), [("features/n", "range", 0, "“n” needs a minimum and a maximum.")]),
    ("backwards", model(number("n", 9, 1)), [("features/n", "range", 0, "“n” runs from a minimum up to a maximum in steps above zero.")]),
    ("no code", model(flag(' "')), [('features/ "', "code", 0, '“ "” is no code: 1 to 200 characters without quotation marks.')]),
    (
        "row",
        model(choice("c", "x"), tables=(Table(code="T", features=("c",), rows=(("z",),)),)),
        [("rules/T", "table", 0, "Row 1 has a value that its feature does not have.")],
    ),
    (
        "group",
        model(flag("a"), choice("c", "x", "y"), rules={"1": "group(a, 1, 1, c)"}),
        [("rules/1", "unknown", 16, "“c” is never left out: make it optional to have it in a group.")],
    ),
]


@pytest.mark.parametrize(("bad", "told"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_model_is_refused_with_the_place(bad: Model, told: list[tuple[str, str, int, str]]) -> None:
    faults = solving.faults(bad)
    assert [(fault.place, fault.code, fault.column, fault.sentence) for fault in faults if not fault.warning] == told
    with pytest.raises(solving.Faulty) as refused:
        solving.engine(bad)
    assert [fault.place for fault in refused.value.faults] == [place for place, *_more in told]


def test_what_a_rule_guards_does_not_break_it() -> None:
    guarded = model(number("n", 0, 9), flag("a"), rules={"1": "a => n > 0 and 10 / n > 2"})
    assert solving.faults(guarded) == ()
    assert solving.engine(guarded).session({"a": "yes"}).by_feature["n"].ranges == ((D(1), D(4)),)


def test_dead_options_are_warned_of() -> None:
    faults = solving.faults(model(choice("c", "x", "y", "z"), flag("a"), flag("b"), rules={"1": "c = x => a", "2": "not a", "3": "b => c = x"}))
    assert [(fault.place, fault.code, fault.sentence, fault.warning) for fault in faults] == [
        ("features/c/options/x", "dead", "No product has “c = x”: 1, 2.", True),
        ("features/a", "dead", "No product has “a = yes”: 2.", True),
        ("features/b", "dead", "No product has “b = yes”: 1, 2, 3.", True),
    ]


def test_too_hard_arithmetic_is_refused() -> None:
    wide = [number(code, 1, 1_000_000) for code in "ab"]
    assert [(fault.place, fault.code) for fault in solving.faults(model(*wide, rules={"1": "a / b > 3"}))] == [("rules/1", "too_large")]


# Large numbers ------------------------------------------------------------------------------------------------------------


def test_a_wide_number_is_divided_where_the_rules_divide_it() -> None:
    wide = model(number("w", 0, 1_000_000, 1), flag("a"), choice("n", "1", "2", "4"), rules={"1": "w / n > 250 => a", "2": "w != 77"})
    engine = solving.engine(wide)
    assert [type(part) for part, _laws in engine.parts] == [Walked]
    assert engine.session({}).count == 3 * 1_000_000 + 250 + 500 + 1_000
    assert engine.session({"a": "no", "n": "2"}).by_feature["w"].ranges == ((D(0), D(76)), (D(78), D(500)))


def test_arithmetic_over_wide_numbers_is_searched() -> None:
    area = model(
        number("w", 100, 5000),
        number("h", 100, 5000, optional=True),
        flag("big"),
        rules={"A": "w * h <= 4000000 or big", "B": "h > 1000 => w < 200", "C": "not big"},
    )
    engine = solving.engine(area)
    assert [type(part) for part, _laws in engine.parts] == [Searched]
    session = engine.session({"w": "3000"})
    assert (session.count, session.by_feature["h"].ranges, session.by_feature["h"].possible) == (None, ((D(100), D(1000)),), ())
    conflict = engine.session({"w": "3000", "h": "2000"}).conflict
    assert conflict is not None
    assert [rule.code for rule in conflict.rules] in (["B"], ["A", "C"])
    assert conflict.choices == (("w", "3000"), ("h", "2000"))
    assert [change.changed for change in conflict.changes] == [(("w", "open"),), (("h", "open"),)]


def test_the_compiler_is_given_up_in_time() -> None:
    with pytest.raises(NotCompiled):
        compiled(2, [(1, 2)], 0.0001)
    small = model(flag("a"), flag("b"), rules={"1": "a => b"})
    engine = solving.engine(small, Limits(seconds=0.0001))
    assert [type(part) for part, _laws in engine.parts] == [Searched]
    assert engine.session({"a": "yes"}).decided == {"a": "yes", "b": "yes"}


def test_equal_models_share_an_engine() -> None:
    assert solving.engine(model(flag("a"), flag("b"))) is solving.engine(model(flag("a"), flag("b")))
    assert solving.engine(model(flag("a"))) is not solving.engine(model(flag("b")))


def test_a_sum_over_many_flags_is_compiled() -> None:
    flags = [flag(f"f{place}", attributes=(("weight", D(place % 7 + 1)),)) for place in range(60)]
    engine = solving.engine(model(*flags, rules={"1": f"sum({', '.join(f'{one.code}.weight' for one in flags)}) <= 9"}))
    assert [type(part) for part, _laws in engine.parts] == [Walked]
    ways = [1] + [0] * 9
    for place in range(60):
        ways = [ways[weight] + (ways[weight - place % 7 - 1] if weight > place % 7 else 0) for weight in range(10)]
    assert engine.session({}).count == sum(ways)


# Laws ------------------------------------------------------------------------------------------------------------------

FEATURES = (
    choice("c", "x", "y", "3"),
    choice("d", "x", "4", optional=True),
    flag("f", attributes=(("w", D(2)),)),
    flag("g", attributes=(("w", D(3)),)),
    number("n", 0, 4),
    number("m", 2, 6, 2, optional=True),
)
AMOUNTS = (
    "n",
    "m",
    "n + m",
    "n * m",
    "2 * n - 1",
    "sum(f.w, g.w)",
    "f.w + n",
    "avg(f.w, g.w)",
    "max(n, m)",
    "if(f, n, 3)",
    "count(f, g, d)",
    "abs(n - 3)",
    "ceil(n / 2)",
)
conditions = st.recursive(
    st.one_of(
        st.sampled_from(["f", "g", "d", "m", "c = x", "c != y", "d = x", "c = 3", "c = d", "c in (x, 3)", "f = no", "n in (1, m)"]),
        st.builds(
            lambda one, sign, two: f"{one} {sign} {two}",
            st.sampled_from(AMOUNTS),
            st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
            st.one_of(st.integers(0, 7).map(str), st.sampled_from(AMOUNTS)),
        ),
    ),
    lambda inner: st.one_of(
        st.builds(lambda part: f"not ({part})", inner),
        st.builds(lambda one, sign, two: f"({one}) {sign} ({two})", inner, st.sampled_from(["and", "or", "=>", "<=>"]), inner),
        st.builds(lambda one, two, three: f"if({one}, {two}, {three})", inner, inner, inner),
        st.builds(
            lambda least, most, parts: f"group({parts[0]}, {least}, {least + most}, {', '.join(parts[1:])})",
            st.integers(0, 2),
            st.integers(0, 2),
            st.lists(inner, min_size=2, max_size=4),
        ),
    ),
    max_leaves=5,
)
tables = st.lists(
    st.tuples(st.sampled_from(["x", "y", "3"]), st.sampled_from(["x", "4", None]), st.sampled_from(["yes", "no"])), min_size=1, max_size=8, unique=True
)


def drawn_model(rules: list[str], rows: list[tuple[Value, ...]]) -> Model:
    table = Table(code="T", features=("c", "d", "f"), rows=tuple(rows))
    return model(*FEATURES, rules={f"R{place}": rule for place, rule in enumerate(rules)}, tables=(table,) if rows else ())


def drawn_choices(places: dict[str, int]) -> dict[str, Value]:
    known = {feature.code: values(feature) for feature in FEATURES}
    return {code: known[code][place % len(known[code])] for code, place in places.items()}


models = st.builds(drawn_model, st.lists(conditions, min_size=1, max_size=4), st.one_of(st.just([]), tables))
some_choices = st.dictionaries(st.sampled_from([feature.code for feature in FEATURES]), st.integers(0, 9), max_size=4).map(drawn_choices)
searchable = models.filter(lambda of: not any("avg" in rule.formula for rule in of.rules))


def check(of: Model, choices: Mapping[str, Value], limits: Limits | None) -> None:
    """Everything that a session says, against all products."""
    every = list(products(of))
    if not every:
        with pytest.raises(solving.Faulty):
            solving.engine(of, limits)
        return
    engine = solving.engine(of, limits)
    session = engine.session(choices)
    left = [product for product in every if all(product[code] == value for code, value in choices.items())]
    assert session.valid is bool(left) is engine.possible(choices)
    assert session.count in (None, len(left)) if limits else session.count == len(left)
    for offer in session.offers:
        others = {code: value for code, value in choices.items() if code != offer.feature}
        reachable = {product[offer.feature] for product in every if all(product[code] == value for code, value in others.items())}
        exact = session.valid and not engine.scope.domains[offer.feature].wide
        assert set(offer.possible) == reachable if exact else set(offer.possible) >= reachable, offer
        assert not session.valid or {str(end) for end in (offer.least, offer.most) if end is not None} <= reachable
        assert set(offer.grey) == set(values(of.by_code[offer.feature])) - set(offer.possible)
    single = {code for code in of.by_code if len({product[code] for product in left}) == 1}
    assert set(session.decided) == single | set(choices) if session.valid else set(session.decided) >= set(choices)
    check_reasons(of, every, engine, session, choices)


def check_reasons(of: Model, every: list[dict[str, Value]], engine: solving.Engine, session: solving.Session, choices: Mapping[str, Value]) -> None:
    if session.conflict is not None:
        check_minimal(of, dict(session.conflict.choices), session.conflict)
        check_changes(every, choices, {}, session.conflict)
        return
    assert engine.completed(choices) in every
    for offer in [offer for offer in session.offers if offer.grey][:2]:
        reason = engine.why(choices, offer.feature, offer.grey[0])
        assert reason is not None
        check_minimal(of, {**dict(reason.choices), offer.feature: offer.grey[0]}, reason)
        check_changes(every, choices, {offer.feature: offer.grey[0]}, reason)


def check_minimal(of: Model, choices: Mapping[str, Value], reason: solving.Reason) -> None:
    """The rules and choices contradict, and no fewer of them."""

    def contradictory(laws: tuple[Rule | Table, ...], chosen: Mapping[str, Value]) -> bool:
        rules = tuple(law for law in laws if isinstance(law, Rule))
        part = Model(code="P", features=of.features, rules=rules, tables=tuple(law for law in laws if isinstance(law, Table)))
        return next(products(part, chosen), None) is None

    assert contradictory(reason.rules, choices)
    for law in reason.rules:
        assert not contradictory(tuple(other for other in reason.rules if other is not law), choices)
    for code, _value in reason.choices:
        assert not contradictory(reason.rules, {other: value for other, value in choices.items() if other != code})


def check_changes(every: list[dict[str, Value]], choices: Mapping[str, Value], target: Mapping[str, Value], reason: solving.Reason) -> None:
    """No fewer choices could be given up."""
    kept = {code: value for code, value in choices.items() if code not in target}
    fitting = [product for product in every if all(product[code] == value for code, value in target.items())]
    if not fitting:
        assert reason.changes == ()
        return
    fewest = min(sum(product[code] != value for code, value in kept.items()) for product in fitting)
    assert reason.changes
    for change in reason.changes:
        assert len([code for code, _value in change.changed if code not in target]) == fewest
        assert any(all(product[code] == value for code, value in change.choices.items()) for product in fitting)


def tried(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@tried(25)
@given(models, some_choices)
def test_the_compiled_engine_is_right(of: Model, choices: dict[str, Value]) -> None:
    check(of, choices, None)


@tried(10)
@given(searchable, some_choices)
def test_the_searching_engine_is_right(of: Model, choices: dict[str, Value]) -> None:
    check(of, choices, SEARCHED)


@pytest.mark.night
@tried(500)
@given(models, some_choices)
def test_the_compiled_engine_is_right_all_night(of: Model, choices: dict[str, Value]) -> None:
    check(of, choices, None)


@pytest.mark.night
@tried(150)
@given(searchable, some_choices)
def test_the_searching_engine_is_right_all_night(of: Model, choices: dict[str, Value]) -> None:
    check(of, choices, SEARCHED)


def test_no_walk_comes_to_a_dead_end() -> None:
    engine, draw = solving.engine(FRIDGE), random.Random(7)
    for _walk in range(40):
        chosen: dict[str, Value] = {}
        for code in draw.sample(list(FRIDGE.by_code), len(FRIDGE.by_code)):
            offer = engine.session(chosen).by_feature[code]
            if code == "width":
                least, most = draw.choice(offer.ranges)
                chosen[code] = str(draw.randint(int(least), int(most)))
            else:
                chosen[code] = draw.choice(offer.possible)
        session = engine.session(chosen)
        assert (session.valid, session.complete, session.count) == (True, True, 1)
