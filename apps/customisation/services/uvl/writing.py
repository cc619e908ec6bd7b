"""UVL out: a product model as a tree of features.

Rules that are groups make the tree; what stands in none hangs beneath a root with the attribute `product`, which stands for the product itself.
Options are features of their own. What UVL has no word for (`if`, `min`, `count` …) is refused with its place, and nothing is left out in silence.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from django.utils.translation import gettext as _

from apps.base.formulas import Call, Name, Number, plain_number
from apps.base.text import Text
from apps.customisation.services.solving import Fault, Feature, Model, Option, Rule
from apps.customisation.services.uvl.reading import PRODUCT
from apps.customisation.services.uvl.saying import Unsaid, quoted, said_rule, said_table, text_of


class Unwritable(ValueError):
    """A model with something that UVL cannot say; each fault has its place in the model."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.sentence for fault in faults))
        self.faults = tuple(faults)


@dataclass
class Shelf:
    """A group of the tree: the parent's code (empty: the product), its kind as UVL has it, and the members' codes."""

    parent: str
    kind: str
    members: list[str]


def write(model: Model) -> str:
    """The model as a UVL file. Raises `Unwritable`."""
    return _Writing(model).write()


@dataclass
class _Writing:
    model: Model
    faults: list[Fault] = field(default_factory=list)
    shelves: list[Shelf] = field(default_factory=list)
    placed: set[str] = field(default_factory=set)
    root: str = ""

    def write(self) -> str:
        constraints = self.plant()
        lines = [*self.feature_lines(), *self.constraint_lines(constraints)]
        if self.faults:
            raise Unwritable(self.faults)
        return "\n".join(lines) + "\n"

    # The tree --------------------------------------------------------------------------------------------------------------

    def plant(self) -> list[Rule]:
        """Put the features into groups; the rules that are no groups are left."""
        left: list[Rule] = []
        tops: list[Shelf] = []
        for rule in self.model.rules:
            root = self.model.parsed[rule.code].root
            shelf = self.shelf(root) if isinstance(root, Call) and root.function == "group" else None
            if shelf is None:
                left.append(rule)
            else:
                self.placed.update(shelf.members)
                (self.shelves if shelf.parent else tops).append(shelf)
        loose = [feature for feature in self.model.features if feature.code not in self.placed]
        if len(tops) == 1 and tops[0].kind == "mandatory" and len(tops[0].members) == 1 and not loose:
            self.root = tops[0].members[0]
        elif not tops and len(loose) == 1 and loose[0].kind != "flag" and not loose[0].optional:
            self.root = loose[0].code
        else:
            self.shelves = [*tops, *self.loose_shelves(loose), *self.shelves]
        return left

    def loose_shelves(self, loose: Sequence[Feature]) -> Iterator[Shelf]:
        """Beneath the product, neighbours of the same kind together."""
        last: Shelf | None = None
        for feature in loose:
            kind = "optional" if feature.optional or feature.kind == "flag" else "mandatory"
            if last is None or last.kind != kind:
                last = Shelf("", kind, [])
                yield last
            last.members.append(feature.code)

    def shelf(self, group: Call) -> Shelf | None:
        """A group as a place in the tree, or None where it does not fit into one."""
        parent, least, most, *members = group.arguments
        codes = [member.value for member in members if isinstance(member, Name)]
        known = self.model.by_code
        fits = len(codes) == len(members) == len(set(codes)) and not self.placed & set(codes) and all(code in known for code in codes)
        if not fits or not isinstance(parent, Name) or not isinstance(least, Number) or not isinstance(most, Number):
            return None
        above = "" if parent.value == "yes" and "yes" not in known else parent.value
        if (above and above not in known) or (above and self.is_beneath(above, codes)):
            return None
        return Shelf(above, _kind(int(least.value), int(most.value), len(codes)), codes)

    def is_beneath(self, code: str, others: Sequence[str]) -> bool:
        """Whether a feature is one of the others or hangs beneath one."""
        while code and code not in others:
            code = next((shelf.parent for shelf in self.shelves if code in shelf.members), "")
        return bool(code)

    @cached_property
    def names(self) -> dict[tuple[str, str], str]:
        """How features and options (with their feature) are called: by their codes, where these are unique and have no dot."""
        codes = Counter([feature.code for feature in self.model.features] + [option.code for feature in self.model.features for option in feature.options])
        taken = {code for code in codes if _speakable(code)}
        if not self.root:
            taken.add(self.model.code)
        found: dict[tuple[str, str], str] = {}
        for feature in self.model.features:
            found["", feature.code] = _free(feature.code, taken, codes[feature.code] == 1 or feature.code not in found.values())
            for option in feature.options:
                found[feature.code, option.code] = _free(option.code, taken, codes[option.code] == 1, f"{feature.code}_{option.code}")
        return found

    # Features ------------------------------------------------------------------------------------------------------------

    def feature_lines(self) -> Iterator[str]:
        yield "features"
        if self.root:
            yield from self.branch(self.model.by_code[self.root], 1)
            return
        attributes: list[tuple[str, Decimal | str | bool]] = [(PRODUCT, True), *_names(self.model.name)]
        if self.model.price:
            attributes.append(("price", self.model.price))
        if self.model.currency:
            attributes.append(("currency", self.model.currency))
        name = self.model.code if _speakable(self.model.code) else "product"
        if name != self.model.code:
            attributes.append(("code", self.model.code))
        yield f"\t{quoted(name)}{self.attributes(attributes, 'features')}"
        yield from self.groups("", 1)

    def groups(self, parent: str, depth: int) -> Iterator[str]:
        for shelf in self.shelves:
            if shelf.parent == parent:
                yield "\t" * (depth + 1) + shelf.kind
                for code in shelf.members:
                    yield from self.branch(self.model.by_code[code], depth + 2)

    def branch(self, feature: Feature, depth: int) -> Iterator[str]:
        name = self.names["", feature.code]
        attributes = list(feature.attributes) + list(_names(feature.name))
        if name != feature.code:
            attributes.append(("code", feature.code))
        kind = ""
        if feature.kind == "number":
            kind = self.number(feature, attributes)
        if feature.price.strip():
            constant = plain_number(feature.price.strip())
            attributes.append(("price", Decimal(feature.price.strip())) if constant is not None else ("price_formula", feature.price))
        yield "\t" * depth + kind + quoted(name) + self.attributes(attributes, f"features/{feature.code}")
        if feature.options:
            yield "\t" * (depth + 1) + "alternative"
            for option in feature.options:
                yield "\t" * (depth + 2) + self.option(feature, option)
            if len(feature.options) == 1:
                self.refuse(f"features/{feature.code}", "alternative", _("“{code}” has one option only, which UVL cannot say.").format(code=feature.code))
        yield from self.groups(feature.code, depth)

    def number(self, feature: Feature, attributes: list[tuple[str, Decimal | str | bool]]) -> str:
        step = feature.step or Decimal(1)
        attributes += [("minimum", feature.minimum or Decimal(0)), ("maximum", feature.maximum or Decimal(0)), ("step", step)]
        return "Integer " if step == int(step) and (feature.minimum or Decimal(0)) % 1 == 0 else "Real "

    def option(self, feature: Feature, option: Option) -> str:
        name = self.names[feature.code, option.code]
        attributes = list(option.attributes) + list(_names(option.name))
        if option.price:
            attributes.append(("price", option.price))
        if name != option.code:
            attributes.append(("code", option.code))
        if option.attributes:
            self.refuse(f"features/{feature.code}/options/{option.code}", "attribute", _("An option with attributes of its own is no option in UVL any more."))
        return quoted(name) + self.attributes(attributes, f"features/{feature.code}/options/{option.code}")

    def attributes(self, attributes: Sequence[tuple[str, Decimal | str | bool]], place: str) -> str:
        """In braces; a name with dots is nested."""
        try:
            said = [_nested(name.split("."), text_of(value)) for name, value in attributes]
        except Unsaid as error:
            self.refuse(place, error.word, str(error))
            return ""
        return f" {{{', '.join(said)}}}" if said else ""

    # Constraints -----------------------------------------------------------------------------------------------------------

    def constraint_lines(self, rules: Sequence[Rule]) -> Iterator[str]:
        said = [*self.said(rules)]
        if said:
            yield ""
            yield "constraints"
            yield from (f"\t{line}" for line in said)

    def said(self, rules: Sequence[Rule]) -> Iterator[str]:
        for rule in rules:
            root = self.model.parsed[rule.code].root
            if root is not None:
                try:
                    yield from _comment(rule)
                    yield said_rule(self.model, self.names, root)
                except Unsaid as error:
                    self.refuse(f"rules/{rule.code}", error.word, str(error))
        for table in self.model.tables:
            try:
                yield said_table(self.model, self.names, table)
            except Unsaid as error:
                self.refuse(f"rules/{table.code}", error.word, str(error))

    def refuse(self, place: str, word: str, sentence: str) -> None:
        self.faults.append(Fault(place=place, code=f"unsaid:{word}", sentence=sentence))


def _comment(rule: Rule) -> Iterator[str]:
    """The rule's sentence, for whoever reads the file: UVL has no place for it."""
    if rule.explanation is not None:
        yield f"// {rule.code}: {' '.join(rule.explanation.en.split())}"


def _kind(least: int, most: int, size: int) -> str:
    if least >= size:
        return "mandatory"
    if (least, most) == (0, size):
        return "optional"
    if (least, most) == (1, size):
        return "or"
    return "alternative" if (least, most) == (1, 1) else f"[{least}..{most}]"


def _names(name: Text | None) -> Iterator[tuple[str, str]]:
    if name is not None:
        yield "name", name.en
        yield "name_zh", name.zh


def _speakable(code: str) -> bool:
    return "." not in code and '"' not in code


def _free(code: str, taken: set[str], alone: bool, other: str = "") -> str:
    """The code where it can stand as a name, else one like it that is free."""
    if alone and _speakable(code):
        return code
    wanted = (other or code).replace(".", "_")
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    taken.add(name)
    return name


def _nested(path: Sequence[str], value: str) -> str:
    said = f"{quoted(path[-1])} {value}"
    for name in reversed(path[:-1]):
        said = f"{quoted(name)} {{{said}}}"
    return said
