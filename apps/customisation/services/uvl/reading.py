"""UVL in: a tree of features as a product model.

A Boolean feature is a flag; where exactly one of several plain ones beneath a feature is chosen, that feature is a choice and these are its
options. Integer and Real features are numbers: their range and step are the attributes `minimum`, `maximum` and `step`, and where these are
missing (UVL has no ranges) the widest range and the finest step that we count with, which is noted. `price`, `name`, `name_zh` and `code` are
read as such, and a root with `product` is the product itself; every other attribute is kept. Groups and constraints are rules. Texts that are
chosen (String) and features that are chosen several times (cardinality) are refused: a configuration has no place for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.base import formulas
from apps.base.formulas import Call, Name, Node, Number
from apps.base.text import Text
from apps.customisation.services.solving.model import CODE, Attributes, Feature, Model, Option, Rule
from apps.customisation.services.uvl.assembling import Fetch, Said, Whole, assembled, no_files
from apps.customisation.services.uvl.constraining import Words, resolved
from apps.customisation.services.uvl.faults import Fault, Refused, refuse
from apps.customisation.services.uvl.tree import Branch, Group

PRODUCT = "product"
WIDEST = Decimal(1_000_000)
FINEST = Decimal("0.001")


@dataclass(frozen=True, kw_only=True)
class Read:
    """A model, and what was assumed about it (with places)."""

    model: Model
    notes: tuple[Fault, ...] = ()


def read(text: str, fetch: Fetch = no_files) -> Read:
    """The product model of a UVL file. fetch gives imported files by their paths. Raises `Refused` with line and column."""
    whole = assembled(text, fetch)
    return _Reading(whole).read()


@dataclass
class _Reading:
    whole: Whole
    notes: list[Fault] = field(default_factory=list)
    refused: list[Fault] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    groups: int = 0

    def read(self) -> Read:
        words = Words(self.whole, self.used(), {})
        for branch in self.whole.by_code.values():
            self.check(branch)
            words.options |= {option.name: branch.name for option in self.options(branch, words)}
        if self.refused:
            raise Refused(*self.refused)
        root = self.whole.root
        product = root.said(PRODUCT) is True
        self.walk(words, product)
        constraints = [self.constraint(number, said, words) for number, said in enumerate(self.whole.said, 1)]
        if self.refused:
            raise Refused(*self.refused)
        price, currency = root.said("price"), root.said("currency")
        model = Model(
            code=root.code,
            features=tuple(self.features),
            rules=(*self.rules, *constraints),
            price=price if product and isinstance(price, Decimal) else Decimal(0),
            currency=currency if product and isinstance(currency, str) else "",
            name=_named(root) if product else None,
        )
        return Read(model=model, notes=tuple(self.notes))

    def used(self) -> frozenset[str]:
        """The attributes that constraints speak of, by their names without the feature."""
        found = {node.value for said in self.whole.said for node in formulas.walk(said.constraint.root) if isinstance(node, Name)}
        return frozenset(part for name in found for part in (name, name.rpartition(".")[2]))

    def check(self, branch: Branch) -> None:
        """What we cannot say about a feature."""
        if branch.kind == "String":
            sentence = _("“{name}” is a text to be entered: only options, numbers, yes and no can be chosen here.")
            self.refused.append(Fault(place=branch.place, code="unsaid", word="String", sentence=sentence.format(name=branch.name)))
        if branch.cardinality not in (None, (1, 1)):
            sentence = _("“{name}” can be chosen several times: that cannot be kept here.")
            self.refused.append(Fault(place=branch.place, code="unsaid", word="cardinality", sentence=sentence.format(name=branch.name)))
        if not CODE.fullmatch(branch.code):
            self.refused.append(Fault(place=branch.place, code="syntax", word=branch.name[:60], sentence=_("The name is too long.")))
        seen: set[str] = set()
        for name, _value, place in branch.attributes:
            if name in seen:
                self.refused.append(Fault(place=place, code="repeated", word=name, sentence=_("“{code}” stands here twice.").format(code=name)))
            seen.add(name)

    def options(self, branch: Branch, words: Words) -> Sequence[Branch]:
        """The features beneath this one that are options of it."""
        alternatives = [group for group in branch.groups if (group.least, group.most) == (1, 1) and len(group.members) > 1]
        if branch.kind != "Boolean" or len(alternatives) != 1 or branch.said(PRODUCT) is True:
            return ()
        members = alternatives[0].members
        return members if all(self.is_plain(member, words) for member in members) else ()

    def is_plain(self, branch: Branch, words: Words) -> bool:
        """Whether a feature is no more than an option: nothing beneath it, and no attribute but a price and names."""
        kept = ("price", "name", "name_zh", "code")
        simple = branch.kind == "Boolean" and not branch.groups
        return simple and all(name in kept and name not in words.used and not isinstance(value, bool) for name, value, _place in branch.attributes)

    # Features ------------------------------------------------------------------------------------------------------------

    def walk(self, words: Words, product: bool) -> None:
        """Features and groups, each before what is beneath it."""
        root = self.whole.root
        alternative = self.options(root, words)
        if not product:
            self.features.append(self.feature(root, words, optional=False))
            if root.kind == "Boolean" and not alternative:
                self.rule("root", _group("yes", 1, 1, [root]), _always(root))
        waiting: list[tuple[Branch, Group]] = [(root, group) for group in reversed(root.groups)]
        while waiting:
            parent, group = waiting.pop()
            if any(member.name in words.options for member in group.members):
                continue
            free = product and parent is root and group.kind in ("mandatory", "optional")
            if not free:
                self.group("yes" if product and parent is root else parent.code, group)
            for member in group.members:
                self.features.append(self.feature(member, words, optional=not (free and group.kind == "mandatory")))
                if free and group.kind == "mandatory" and self.features[-1].kind == "flag":
                    self.rule(f"always {member.code}", _group("yes", 1, 1, [member]), _always(member))
            waiting.extend((member, below) for member in reversed(group.members) for below in reversed(member.groups))

    def feature(self, branch: Branch, words: Words, *, optional: bool) -> Feature:
        options = self.options(branch, words)
        if options:
            kind = "choice"
        else:
            kind = "flag" if branch.kind == "Boolean" else "number"
        price, kept = self.price(branch, words)
        return Feature(
            code=branch.code,
            kind=kind,  # type: ignore[arg-type]
            name=_named(branch),
            optional=optional and kind != "flag",
            options=tuple(self.option(option) for option in options),
            price=price,
            attributes=kept,
            **(self.range(branch) if kind == "number" else {}),
        )

    def option(self, branch: Branch) -> Option:
        price = branch.said("price")
        return Option(code=branch.code, name=_named(branch), price=price if isinstance(price, Decimal) else Decimal(0))

    def price(self, branch: Branch, words: Words) -> tuple[str, Attributes]:
        """The price, where no constraint speaks of it, and the attributes that are kept as they are."""
        price, formula, kept = "", branch.said("price_formula"), []
        ours = {"name", "name_zh", "code"} | ({"minimum", "maximum", "step"} if branch.kind in ("Integer", "Real") else set())
        for name, value, _place in branch.attributes:
            if name == "price" and isinstance(value, Decimal) and name not in words.used and not formula:
                price = f"{value:f}"
            elif name == "price_formula" and isinstance(value, str):
                price = value
            elif not (name in ours and not isinstance(value, bool)):
                kept.append((name, value))
        return price, tuple(kept)

    def range(self, branch: Branch) -> Mapping[str, Decimal]:
        """A number's range and step, or those that we assume."""
        said = {name: branch.said(name) for name in ("minimum", "maximum", "step")}
        assumed = {"minimum": -WIDEST, "maximum": WIDEST, "step": Decimal(1) if branch.kind == "Integer" else FINEST}
        found = {name: value if isinstance(value, Decimal) else assumed[name] for name, value in said.items()}
        missing = [name for name in said if not isinstance(said[name], Decimal) and not (name == "step" and branch.kind == "Integer")]
        if missing:
            words = _("“{name}” has no range: from {least} to {most} in steps of {step} was assumed.")
            sentence = words.format(name=branch.name, least=found["minimum"], most=found["maximum"], step=found["step"])
            self.notes.append(Fault(place=branch.place, code="assumed", word=branch.kind, sentence=sentence))
        return found

    # Rules -----------------------------------------------------------------------------------------------------------------

    def rule(self, code: str, root: Node, explanation: Text | None = None) -> None:
        self.rules.append(Rule(code=code, formula=formulas.written(root), explanation=explanation))

    def group(self, parent: str, group: Group) -> None:
        """A group as a rule."""
        self.groups += 1
        size = len(group.members)
        least = size if group.least is None else group.least
        most = size if group.most is None else min(size, group.most)
        if least > most:
            sentence = _("At least {least} of {size} features cannot be chosen.").format(least=least, size=size)
            raise refuse(group.place, "syntax", str(least), sentence)
        self.rule(f"g{self.groups}", _group(parent, least, most, group.members), _told(parent, least, most, [member.code for member in group.members]))

    def constraint(self, number: int, said: Said, words: Words) -> Rule:
        formula = ""
        try:
            formula = formulas.written(resolved(said, words))
            formulas.parse(formula)
        except Refused as error:
            self.refused.extend(error.faults)
        except formulas.Unreadable as error:
            self.refused.append(Fault(place=said.constraint.place, code="syntax", word="", sentence=error.sentence))
        return Rule(code=f"c{number}", formula=formula)


def _group(parent: str, least: int, most: int, members: Sequence[Branch]) -> Node:
    return Call("group", (Name(parent), Number(Decimal(least)), Number(Decimal(most)), *(Name(member.code) for member in members)))


def _always(branch: Branch) -> Text:
    return Text(f"{branch.code} is always there.", f"{branch.code} 始终存在。")


def _told(parent: str, least: int, most: int, members: Sequence[str]) -> Text:
    """What a group says, in a sentence."""
    listed = ", ".join(members[:6]) + (", …" if len(members) > 6 else "")
    size = len(members)
    if least == most == size:
        return Text(f"{parent} always has {listed}; they need {parent}.", f"{parent} 必须含有 {listed}；后者需要 {parent}。")
    if (least, most) == (0, size):
        return Text(f"{listed}: only with {parent}.", f"{listed}：仅与 {parent} 一起选用。")
    if least == most:
        return Text(f"{parent} needs exactly {least} of {listed}.", f"{parent} 须恰好选 {least} 项：{listed}。")
    return Text(f"{parent} needs at least {least} and at most {most} of {listed}.", f"{parent} 须选至少 {least} 项、至多 {most} 项：{listed}。")


def _named(branch: Branch) -> Text | None:
    english, chinese = branch.said("name"), branch.said("name_zh")
    if not isinstance(english, str):
        return None
    return Text(english, chinese if isinstance(chinese, str) else english)
