"""What a configuration costs: the base, the options, and the features' formulas."""

from collections.abc import Iterator
from decimal import Decimal

from apps.base import formulas
from apps.customisation.services.solving.domains import Scope
from apps.customisation.services.solving.model import NO, Choices, Feature, Price


def priced(scope: Scope, decided: Choices) -> Price:
    """The price of what is decided; a formula that needs a choice still open is named in `open` and adds nothing yet. Raises `formulas.Broken`.

    Amounts are exact: whoever shows or agrees them rounds.
    """
    parts: list[tuple[str, str, Decimal]] = []
    waiting: list[str] = []
    for feature in scope.model.features:
        if decided.get(feature.code) in (None, NO):
            continue
        try:
            parts += [part for part in _parts(scope, feature, decided) if part[2]]
        except formulas.Undefined:
            waiting.append(feature.code)
    amount = sum((part[2] for part in parts), scope.model.price)
    return Price(amount=amount, base=scope.model.price, parts=tuple(parts), open=tuple(waiting))


def _parts(scope: Scope, feature: Feature, decided: Choices) -> Iterator[tuple[str, str, Decimal]]:
    value = decided[feature.code]
    for option in feature.options:
        if option.code == value:
            yield feature.code, option.code, option.price
    if feature.price.strip():
        formula = formulas.parse(feature.price)
        yield feature.code, "", formula.amount(scope.choices(formula.names, decided))
