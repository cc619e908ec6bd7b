"""What is wrong with a model by its looks: codes, ranges, names that nobody knows. What only the solving shows is found by `proving`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from apps.base import formulas
from apps.base.formulas import COMPARISONS, Among, Binary, Call, Many, Name, Node, Number, Quoted, Unary
from apps.customisation.services.solving.domains import Scope, number_of_steps, plain
from apps.customisation.services.solving.model import CODE, NO, YES, Fault, Feature, Model, Rule, Table

MOST_FEATURES, MOST_VALUES, MOST_STEPS = 5_000, 50_000, 1_000_000_000
FLAGS = (YES, NO)


def looks(scope: Scope) -> Iterator[Fault]:
    """All faults that can be seen without solving."""
    model = scope.model
    yield from _sizes(model)
    yield from _repeated("features", [feature.code for feature in model.features])
    yield from _repeated("rules", [*(rule.code for rule in model.rules), *(table.code for table in model.tables)])
    for feature in model.features:
        yield from _feature(scope, feature)
    for rule in model.rules:
        yield from _rule(scope, rule)
    for table in model.tables:
        yield from _table(model, table)


def _sizes(model: Model) -> Iterator[Fault]:
    if len(model.features) > MOST_FEATURES or sum(len(feature.options) for feature in model.features) > MOST_VALUES:
        words = _("A model has at most {features} features and {options} options.")
        yield Fault(place="features", code="too_large", sentence=words.format(features=MOST_FEATURES, options=MOST_VALUES))


def _repeated(place: str, codes: Sequence[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for code in codes:
        if not CODE.fullmatch(code):
            yield Fault(place=f"{place}/{code}", code="code", sentence=_("“{code}” is no code: 1 to 200 characters without quotation marks.").format(code=code))
        if code in seen:
            yield Fault(place=f"{place}/{code}", code="repeated", sentence=_("“{code}” stands here twice.").format(code=code))
        seen.add(code)


# Features --------------------------------------------------------------------------------------------------------------


def _feature(scope: Scope, feature: Feature) -> Iterator[Fault]:
    place = f"features/{feature.code}"
    match feature.kind:
        case "choice":
            yield from _repeated(f"{place}/options", [option.code for option in feature.options])
            if not feature.options:
                yield Fault(place=f"{place}/options", code="empty", sentence=_("“{code}” has no options.").format(code=feature.code))
        case "number":
            yield from _range(place, feature)
        case "flag" if feature.optional:
            yield Fault(place=place, code="optional", sentence=_("“{code}” is yes or no, and cannot be left out besides.").format(code=feature.code))
    yield from _formula(scope, f"{place}/price", feature.price, price=True)


def _range(place: str, feature: Feature) -> Iterator[Fault]:
    least, most, step = feature.minimum, feature.maximum, feature.step
    if least is None or most is None:
        yield Fault(place=place, code="range", sentence=_("“{code}” needs a minimum and a maximum.").format(code=feature.code))
    elif not all(number.is_finite() for number in (least, most, step or Decimal(1))) or (step is not None and step <= 0) or least > most:
        yield Fault(place=place, code="range", sentence=_("“{code}” runs from a minimum up to a maximum in steps above zero.").format(code=feature.code))
    elif number_of_steps(feature) > MOST_STEPS:
        yield Fault(place=place, code="range", sentence=_("“{code}” has too many values.").format(code=feature.code))
    elif (Fraction(most) - Fraction(least)) % Fraction(step or 1):
        words = _("“{code}” ends at {most}: no step reaches {maximum}.")
        last = least + (step or Decimal(1)) * number_of_steps(feature)
        yield Fault(place=place, code="range", sentence=words.format(code=feature.code, most=plain(last), maximum=plain(most)), warning=True)


# Formulas --------------------------------------------------------------------------------------------------------------


def _rule(scope: Scope, rule: Rule) -> Iterator[Fault]:
    yield from _formula(scope, f"rules/{rule.code}", rule.formula)


def _formula(scope: Scope, place: str, text: str, price: bool = False) -> Iterator[Fault]:
    try:
        root = formulas.parse(text).root
    except formulas.Unreadable as error:
        yield Fault(place=place, code="unreadable", sentence=error.sentence, column=error.column)
        return
    if root is not None:
        for sentence, column in (_amount if price else _truth)(scope, root):
            yield Fault(place=place, code="unknown", sentence=sentence, column=column)


Found = Iterator[tuple[str, int]]


def _truth(scope: Scope, node: Node) -> Found:
    """What is wrong where a condition stands."""
    match node:
        case Unary(sign="not") | Many(sign="and" | "or") | Binary(sign="=>" | "<=>"):
            for part in formulas.parts(node):
                yield from _truth(scope, part)
        case Binary(sign=sign) if sign in COMPARISONS:
            yield from _comparison(scope, node.left, [node.right])
        case Among(inner=inner, members=members):
            yield from _comparison(scope, inner, members)
        case Call(function="if", arguments=arguments):
            for part in arguments:
                yield from _truth(scope, part)
        case Call(function="group"):
            yield from _group(scope, node)
        case Name(value=name, column=column):
            yield from _name(scope, name, column)
        case _:
            yield _("“{part}” is no condition.").format(part=formulas.written(node)[:60]), 1


def _name(scope: Scope, name: str, column: int) -> Found:
    if name in scope.model.by_code or name in FLAGS or isinstance(scope.attributes.get(name, ("", 0))[1], bool):
        return
    if name in scope.attributes:
        yield _("“{name}” is no condition.").format(name=name), column
    else:
        yield unknown(scope.model, name), column


def unknown(model: Model, name: str) -> str:
    """The sentence for a name that is no feature."""
    owner = next((feature.code for feature in model.features if any(option.code == name for option in feature.options)), None)
    if owner is None:
        return _("There is no feature “{name}”.").format(name=name)
    return _("“{name}” is an option: write “{owner} = {name}”.").format(name=name, owner=owner)


def _comparison(scope: Scope, one: Node, others: Iterable[Node]) -> Found:
    sides = [one, *others]
    choice = next((scope.model.by_code[side.value] for side in sides if isinstance(side, Name) and side.value in scope.model.by_code), None)
    for side in sides:
        if isinstance(side, Name) and side.value not in scope.model.by_code and side.value not in scope.attributes:
            yield from _word(scope.model, choice, side.value, side.column)
        elif isinstance(side, Quoted):
            yield from _word(scope.model, choice, side.value, 1)
        elif isinstance(side, Name):
            continue
        else:
            yield from _amount(scope, side)


def _word(model: Model, feature: Feature | None, word: str, column: int) -> Found:
    """A word beside a feature has to be one of its options."""
    if feature is None:
        if not any(word == option.code for other in model.features for option in other.options):
            yield _("There is no feature “{name}”.").format(name=word), column
    elif feature.kind == "number":
        if formulas.plain_number(word) is None:
            yield _("“{feature}” is a number, and never “{word}”.").format(feature=feature.code, word=word), column
    elif word not in (FLAGS if feature.kind == "flag" else [option.code for option in feature.options]):
        yield _("“{feature}” has no option “{word}”.").format(feature=feature.code, word=word), column


def _amount(scope: Scope, node: Node) -> Found:
    """What is wrong where a number or a text stands."""
    match node:
        case Name(value=name, column=column):
            if name not in scope.model.by_code and name not in scope.attributes:
                yield unknown(scope.model, name), column
        case Call(function="if", arguments=(condition, then, otherwise)):
            yield from _truth(scope, condition)
            for part in (then, otherwise):
                if not isinstance(part, Quoted):
                    yield from _amount(scope, part)
        case Call(function="count", arguments=arguments):
            for part in arguments:
                yield from _truth(scope, part)
        case Call(function="group") | Among() | Many(sign="and" | "or") | Quoted() | Unary(sign="not"):
            yield _("“{part}” is no number.").format(part=formulas.written(node)[:60]), 1
        case Binary(sign=sign) if sign not in ("*", "/"):
            yield _("“{part}” is no number.").format(part=formulas.written(node)[:60]), node.column
        case _:
            for part in formulas.parts(node):
                yield from _amount(scope, part)


def _group(scope: Scope, node: Call) -> Found:
    parent, least, most, *members = node.arguments
    bounds = [bound.value for bound in (least, most) if isinstance(bound, Number) and bound.value == int(bound.value)]
    if len(bounds) < 2 or not 0 <= bounds[0] <= bounds[1]:
        yield _("A group needs how many at least and how many at most, as whole numbers."), node.column
    for part in (parent, *members):
        yield from _truth(scope, part)
        if isinstance(part, Name) and part is not parent:
            feature = scope.model.by_code.get(part.value)
            if feature is not None and feature.kind != "flag" and not feature.optional:
                yield _("“{name}” is never left out: make it optional to have it in a group.").format(name=part.value), part.column


# Tables ----------------------------------------------------------------------------------------------------------------


def _table(model: Model, table: Table) -> Iterator[Fault]:
    place = f"rules/{table.code}"
    missing = [code for code in table.features if code not in model.by_code]
    for code in missing:
        yield Fault(place=place, code="unknown", sentence=_("There is no feature “{name}”.").format(name=code))
    if not table.features or len(set(table.features)) < len(table.features):
        yield Fault(place=place, code="table", sentence=_("A table needs columns, each of another feature."))
        return
    if missing:
        return
    known: Mapping[str, frozenset[str | None]] = {code: _values(model.by_code[code]) for code in table.features}
    for number, row in enumerate(table.rows, 1):
        wrong = [value for code, value in zip(table.features, row, strict=False) if value not in known[code]]
        if len(row) != len(table.features) or wrong:
            words = _("Row {number} has a value that its feature does not have.")
            yield Fault(place=place, code="table", sentence=words.format(number=number))
            return


def _values(feature: Feature) -> frozenset[str | None]:
    if feature.kind == "flag":
        return frozenset(FLAGS)
    found: set[str | None] = {option.code for option in feature.options}
    if feature.kind == "number" and number_of_steps(feature) < 1000:
        step = feature.step or Decimal(1)
        found |= {plain((feature.minimum or Decimal(0)) + step * place) for place in range(number_of_steps(feature) + 1)}
    return frozenset(found | ({None} if feature.optional else set()))
