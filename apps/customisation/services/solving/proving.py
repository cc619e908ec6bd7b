"""What is wrong with a model that only solving shows: rules that contradict one another, divisions by zero, options that no product has."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice, product

from django.utils.translation import gettext as _

from apps.base import formulas
from apps.base.formulas import Binary, Name, Node
from apps.customisation.services.solving.building import Built, Law, built, scope_of
from apps.customisation.services.solving.checking import looks
from apps.customisation.services.solving.domains import Limits, Scope, plain
from apps.customisation.services.solving.encoding import Unsayable
from apps.customisation.services.solving.model import NO, Choices, Fault, Feature, Model, Rule, Value
from apps.customisation.services.solving.parts import Part

EXPLAINED = 40


def faults(model: Model, limits: Limits | None = None) -> tuple[Fault, ...]:
    """Everything that is wrong with a model, warnings too."""
    return proved(model, limits or Limits(), warnings=True)[2]


def proved(model: Model, limits: Limits, *, warnings: bool) -> tuple[Scope, Built | None, tuple[Fault, ...]]:
    """The parts of a model, or None where its faults forbid them."""
    scope = Scope(model, limits)
    found = list(looks(scope))
    if _hard(found):
        return scope, None, tuple(found)
    scope = scope_of(model, limits)
    try:
        parts = built(scope)
    except Unsayable as error:
        return scope, None, (*found, _unsayable(error))
    found += [*_broken(scope), *_broken_prices(scope)]
    found += [] if _hard(found) else _contradictory(parts)
    if _hard(found):
        return scope, None, tuple(found)
    if warnings:
        found += _dead(scope, parts)
    return scope, parts, tuple(found)


def _hard(found: Sequence[Fault]) -> bool:
    return any(not fault.warning for fault in found)


def _unsayable(error: Unsayable) -> Fault:
    sentence = _("“{part}” computes with too many values: give its numbers wider steps, or a table.")
    return Fault(place=f"rules/{error.law}", code="too_large", sentence=sentence.format(part=error.part[:60]))


# Broken formulas ---------------------------------------------------------------------------------------------------------


def _broken(scope: Scope) -> Iterator[Fault]:
    """A comparison that cannot be computed for some values matters where its rule comes to it."""
    for rule in scope.model.rules:
        root = scope.model.parsed[rule.code].root
        if root is None or scope.broken.keys().isdisjoint(formulas.walk(root)):
            continue
        sentence = _first_break(scope, rule, root)
        if sentence is not None:
            yield Fault(place=f"rules/{rule.code}", code="broken", sentence=sentence)


def _first_break(scope: Scope, rule: Rule, root: Node) -> str | None:
    features = scope.features_of(root)
    wide = any(scope.domains[code].wide for code in features)
    if wide or scope.count(features) > scope.limits.combinations:
        return next(scope.broken[node] for node in formulas.walk(root) if node in scope.broken)
    names = scope.model.parsed[rule.code].names
    for chosen in scope.combinations(features):
        try:
            formulas.condition(root, scope.choices(names, chosen))
        except formulas.Broken as error:
            return _with_choices(error.sentence, chosen)
    return None


def _with_choices(sentence: str, chosen: Choices) -> str:
    said = ", ".join(f"{code} = {value}" for code, value in chosen.items() if value is not None)
    return _("{sentence} So with {choices}.").format(sentence=sentence, choices=said) if said else sentence


def _broken_prices(scope: Scope) -> Iterator[Fault]:
    for feature in scope.model.features:
        formula = formulas.parse(feature.price)
        if formula.root is not None:
            sentence = next(_price_breaks(scope, feature, formula), None)
            if sentence is not None:
                yield Fault(place=f"features/{feature.code}/price", code="broken", sentence=sentence)


def _price_breaks(scope: Scope, feature: Feature, formula: formulas.Formula) -> Iterator[str]:
    assert formula.root is not None
    features = scope.features_of(formula.root)
    for chosen in _tries(scope, features):
        try:
            formula.amount(scope.choices(formula.names, chosen))
        except formulas.Undefined:
            continue
        except formulas.Broken as error:
            yield _with_choices(error.sentence, chosen)
    for node in formulas.walk(formula.root):
        if isinstance(node, Binary) and node.sign == "/" and not _never_zero(scope, node.right, features):
            yield _("“{part}” may divide by zero.").format(part=formulas.written(node)[:60])


def _tries(scope: Scope, features: Sequence[str]) -> Iterator[dict[str, Value]]:
    """All combinations where they are few, else some of them: the ends of numbers, and each option."""
    values = [_all_values(scope, code, full=scope.count_of_values(features) <= scope.limits.combinations) for code in features]
    for combination in islice(product(*values), scope.limits.combinations):
        yield dict(zip(features, combination, strict=True))


def _all_values(scope: Scope, code: str, full: bool) -> list[Value]:
    domain = scope.domains[code]
    if domain.feature.kind != "number":
        return [cell.value for cell in domain.cells]
    steps = range(domain.steps + 1) if full else sorted({0, domain.steps})
    return [plain(domain.number(step)) for step in steps]


def _never_zero(scope: Scope, node: Node, features: Sequence[str]) -> bool:
    if scope.count_of_values(features) <= scope.limits.combinations:
        return True  # all were tried
    least, most = between(scope, node)
    return least is not None and most is not None and (least > 0 or most < 0)


def between(scope: Scope, node: Node) -> tuple[Fraction | None, Fraction | None]:
    """Bounds of a node's value, by its form; None where they are not known."""
    match node:
        case formulas.Number(value=value):
            return Fraction(value), Fraction(value)
        case Name(value=name) if name in scope.domains and scope.domains[name].feature.kind == "number":
            domain = scope.domains[name]
            return Fraction(domain.least), Fraction(domain.number(domain.steps))
        case formulas.Unary(sign="-", inner=inner):
            least, most = between(scope, inner)
            return (None if most is None else -most), (None if least is None else -least)
        case formulas.Many(sign="+", parts=several):
            bounds = [between(scope, part) for part in several]
            known = [(least, most) for least, most in bounds if least is not None and most is not None]
            if len(known) == len(bounds):
                return sum((one[0] for one in known), Fraction(0)), sum((one[1] for one in known), Fraction(0))
        case Binary(sign="*", left=left, right=right):
            one, two = between(scope, left), between(scope, right)
            if one[0] is not None and one[1] is not None and two[0] is not None and two[1] is not None:
                corners = [a * b for a in (one[0], one[1]) for b in (two[0], two[1])]
                return min(corners), max(corners)
    return None, None


# Contradictions ----------------------------------------------------------------------------------------------------------


def _contradictory(parts: Built) -> Iterator[Fault]:
    for part, laws in parts.parts:
        if not part.possible({}):
            places, _choices = part.refuting({})
            codes = [laws[place].code for place in places]
            words = _("No product fulfils these rules together: {rules}.") if len(codes) > 1 else _("No product fulfils this rule.")
            yield Fault(place=f"rules/{codes[0]}" if codes else "rules", code="contradictory", sentence=words.format(rules=", ".join(codes)))


def _dead(scope: Scope, parts: Built) -> Iterator[Fault]:
    explained = 0
    for part, laws in parts.parts:
        look = part.look({})
        for code in part.features:
            alive = {cell.value for cell in look.others[code]}
            for cell in scope.domains[code].cells:
                if cell.value not in (None, NO) and cell.value not in alive:
                    explained += 1
                    yield _dead_one(scope, part, laws, code, cell.value, explain=explained <= EXPLAINED)


def _dead_one(scope: Scope, part: Part, laws: Sequence[Law], code: str, value: str, *, explain: bool) -> Fault:
    rules = ", ".join(laws[place].code for place in part.refuting({code: value})[0]) if explain else ""
    kind = scope.model.by_code[code].kind
    place = f"features/{code}/options/{value}" if kind == "choice" else f"features/{code}"
    words = _("No product has “{feature} = {value}”: {rules}.") if rules else _("No product has “{feature} = {value}”.")
    return Fault(place=place, code="dead", sentence=words.format(feature=code, value=value, rules=rules), warning=True)
