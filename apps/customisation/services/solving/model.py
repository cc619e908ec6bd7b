"""The nouns of the configurator: a product model, and what a session answers. Pure data, no tables.

A `Model` has features, and rules over them. What a customer has chosen travels as plain texts, `Choices`:

    {"colour": "red", "width": "600", "lamp": "yes", "handle": None}

an option's code, a number as plain text, `yes` or `no`; None says that an optional feature is left out, and a feature that is missing is open.
An order that is complete may leave the Nones away.

Rules are formulas (`apps.base.formulas`) that hold for every product. In them a feature's code stands for its choice, and
`feature.attribute` for an attribute, which has no value while the feature is not chosen (`sum(feature.attribute)` is 0 then).

A tree of features, as UVL has it, is said by rules with the function `group(parent, least, most, a, b, ...)`: a, b, ... need the parent, and
with the parent between least and most of them are chosen (`least = most = all`: mandatory; `0, all`: optional; `1, all`: or; `1, 1`:
alternative). Parent and members are flags, optional features, or conditions such as `colour = red`; the parent `yes` is always there. A
feature that is a member has to be optional (a flag is already: its `no`), for its group says when it is needed.

    model = Model(code="F-100", features=(
        Feature(code="colour", kind="choice", options=(Option(code="red", price=Decimal(20)), Option(code="white"))),
        Feature(code="width", kind="number", minimum=Decimal(600), maximum=Decimal(900), step=Decimal(100), price="(width - 600) * 0.2"),
        Feature(code="lamp", kind="flag", price="15"),
    ), rules=(Rule(code="R1", formula="lamp => width >= 700", explanation=Text("The lamp needs 700 mm.", "灯需要 700 毫米。")),), price=Decimal(300))
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

from django.utils.translation import gettext as _

from apps.base import formulas
from apps.base.text import Text

Kind = Literal["choice", "number", "flag"]
Value = str | None
Choices = Mapping[str, Value]
Attributes = tuple[tuple[str, Decimal | str | bool], ...]

CODE = re.compile(r'[^\s"](?:[^"\n\r]{0,198}[^\s"])?')
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value of a choice. price: added to the product's; attributes: what else was said about it, kept for those who read it."""

    code: str
    name: Text | None = None
    price: Decimal = Decimal(0)
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What can be chosen. A choice has options; a number runs from minimum to maximum by step (1 where none is said); a flag is `yes` or `no`.

    optional: it may be left out (not for flags). price: a formula, added whenever the feature is chosen (a flag: `yes`); empty: nothing.
    """

    code: str
    kind: Kind
    name: Text | None = None
    optional: bool = False
    options: tuple[Option, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    step: Decimal | None = None
    price: str = ""
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition that every product fulfils. explanation: the sentence for those who meet it; without one the formula speaks."""

    code: str
    formula: str
    explanation: Text | None = None

    def __str__(self) -> str:
        return str(self.explanation) if self.explanation is not None else self.formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The allowed combinations of some choices and flags; each row has one value a feature, None where it is left out."""

    code: str
    features: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    explanation: Text | None = None

    def __str__(self) -> str:
        return str(self.explanation) if self.explanation is not None else ", ".join(self.features)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A product with everything that can be chosen about it. price: what it costs before any choice, in `currency`."""

    code: str
    features: tuple[Feature, ...]
    rules: tuple[Rule, ...] = ()
    tables: tuple[Table, ...] = ()
    price: Decimal = Decimal(0)
    currency: str = ""
    name: Text | None = None

    @cached_property
    def by_code(self) -> Mapping[str, Feature]:
        """The features by their codes."""
        return {feature.code: feature for feature in self.features}

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.code, self.features, self.rules, self.tables, self.price, self.currency))

    @cached_property
    def parsed(self) -> Mapping[str, formulas.Formula]:
        """The rules' formulas by their codes. Raises `formulas.Unreadable`; a model that was checked has none."""
        return {rule.code: formulas.parse(rule.formula) for rule in self.rules}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a model. place: as in `features/colour/options/red` or `rules/R1`; column: within its formula, from 1, else 0.

    A warning can be lived with (an option that no product has); anything else keeps the model from being published.
    """

    place: str
    code: str
    sentence: str
    column: int = 0
    warning: bool = False


class Faulty(ValueError):
    """A model that cannot be used, with all its faults."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(" ".join(fault.sentence for fault in faults))
        self.faults = faults


class Unfit(ValueError):
    """A choice that the model does not know: a feature, an option or a number that it does not have. `feature` is the code as it was sent."""

    def __init__(self, feature: str, sentence: str) -> None:
        super().__init__(sentence)
        self.feature = feature
        self.sentence = sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What can be said about one feature now.

    state: `chosen` by the customer, `forced` by the rest, or `open`; value: the chosen or forced one. possible: the values (option codes, yes
    and no, None for leaving it out) with which, *the other choices as they are*, a product exists: a click on one of them is never a dead end.
    (Where choices contradict one another already, features that no rule connects with them are offered as if they did not.)
    grey: the other values. A number has `ranges` (first, last) of what is possible, on its grid, and least and most, their ends; its values are
    listed in possible and grey too where they are few (up to 64), else these have None at most.
    """

    feature: str
    state: Literal["chosen", "forced", "open"]
    value: Value = None
    possible: tuple[Value, ...] = ()
    grey: tuple[Value, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None
    ranges: tuple[tuple[Decimal, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A way out: `choices` as they would be afterwards; changed: the features that differ, with the new value, or `open` where it is taken back.

    An option may be called `open` too: what is taken back is not in `choices`.
    """

    choices: Choices
    changed: tuple[tuple[str, Value | Literal["open"]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something cannot be: rules and choices that contradict each other together, and no fewer of them do.

    changes: the least changes of the choices that would allow it, best first (empty where the rules alone forbid it).
    """

    rules: tuple[Rule | Table, ...]
    choices: tuple[tuple[str, Value], ...]
    changes: tuple[Change, ...] = ()


class OutOfTime(Exception):
    """The solver did not decide in time."""

    def __str__(self) -> str:
        return _("The arithmetic of this model is too hard to be decided in time.")


class Contradictory(ValueError):
    """Choices that no product has together."""

    def __init__(self, reason: Reason) -> None:
        super().__init__("; ".join(str(rule) for rule in reason.rules))
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What stands after the choices so far.

    valid: a product with these choices exists. complete: it is the only one. decided: the choices and all that follows from them.
    count: how many products are left (exact), None where the model is not compiled. conflict: why not valid, else None.
    """

    valid: bool
    complete: bool
    choices: Choices
    decided: Choices
    offers: tuple[Offer, ...]
    count: int | None
    conflict: Reason | None = None

    @property
    def by_feature(self) -> Mapping[str, Offer]:
        """The offers by their features."""
        return {offer.feature: offer for offer in self.offers}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a configuration costs: amount = base + all parts, exact. parts: (feature, option or empty, amount), those that are not zero.

    open: features whose price formula needs a choice that is still open; they add nothing yet.
    """

    amount: Decimal
    base: Decimal
    parts: tuple[tuple[str, str, Decimal], ...]
    open: tuple[str, ...] = ()
