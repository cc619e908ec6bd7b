"""Our formulas in the words of UVL."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from django.utils.translation import gettext as _

from apps.base.formulas import ATOM, COMPARISONS, STRENGTH, Among, Binary, Call, Many, Name, Node, Number, Quoted, Unary, written
from apps.customisation.services.solving import Model, Table
from apps.customisation.services.uvl.tokens import WORD
from apps.customisation.services.uvl.tree import RESERVED

MOST_ROWS = 200
SIGNS = {"and": "&", "or": "|", "=": "=="}
Names = Mapping[tuple[str, str], str]


class Unsaid(ValueError):
    """UVL has no word for this."""

    def __init__(self, word: str, sentence: str) -> None:
        super().__init__(sentence)
        self.word = word


def quoted(name: str) -> str:
    """A name as UVL has it."""
    return name if re.fullmatch(WORD, name) and name not in RESERVED else f'"{name}"'


def text_of(value: Decimal | str | bool) -> str:
    """The value of an attribute. Raises `Unsaid`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    for mark in "'\"":
        if mark not in value and "\n" not in value and (mark == "'" or value):
            return f"{mark}{value}{mark}"
    raise Unsaid("text", _("UVL cannot say a text with both kinds of quotation marks, or with several lines."))


def said_rule(model: Model, names: Names, root: Node) -> str:
    """A rule as a constraint. Raises `Unsaid`."""
    return _Saying(model, names).truth(root, 0)


def said_table(model: Model, names: Names, table: Table) -> str:
    """The allowed combinations, one or another. Raises `Unsaid`."""
    if len(table.rows) > MOST_ROWS or not table.rows:
        raise Unsaid("table", _("A table of more than {count} rows cannot be said in UVL.").format(count=MOST_ROWS))
    saying = _Saying(model, names)
    rows = []
    for row in table.rows:
        parts = [saying.choice(code, value) for code, value in zip(table.features, row, strict=True)]
        rows.append(parts[0] if len(parts) == 1 else "(" + " & ".join(parts) + ")")
    return " | ".join(rows)


class _Saying:
    def __init__(self, model: Model, names: Names) -> None:
        self.model = model
        self.names = names
        self.attributes = {f"{feature.code}.{name}": (feature.code, name) for feature in model.features for name, _value in feature.attributes}

    def unsaid(self, word: str) -> Unsaid:
        return Unsaid(word, _("UVL has no word for “{word}”.").format(word=word))

    def feature(self, code: str) -> str:
        return quoted(self.names["", code])

    def choice(self, code: str, value: str | None) -> str:
        """That a choice or flag is so."""
        feature = self.model.by_code[code]
        if feature.kind == "number":
            return f"({self.feature(code)} == {value})" if value is not None else f"!{self.feature(code)}"
        if value is None or (value == "no" and feature.kind == "flag"):
            return f"!{self.feature(code)}"
        return self.feature(code) if feature.kind == "flag" else quoted(self.names[code, value])

    # Conditions ------------------------------------------------------------------------------------------------------------

    def truth(self, node: Node, weakest: int) -> str:
        """A condition, in parentheses where its sign is weaker than what stands around it."""
        match node:
            case Name(value=name):
                return self.named(name)
            case Unary(sign="not", inner=inner):
                return "!" + self.truth(inner, ATOM)
            case Many(sign=sign, parts=several) if sign != "+":
                said = f" {SIGNS[sign]} ".join(self.truth(part, STRENGTH[sign] + 1) for part in several)
                return _within(said, STRENGTH[sign], weakest)
            case Binary(sign="=>" | "<=>", left=left, right=right):
                strength = STRENGTH[node.sign]
                one, two = (strength + 1, strength) if node.sign == "=>" else (strength, strength + 1)
                return _within(f"{self.truth(left, one)} {node.sign} {self.truth(right, two)}", strength, weakest)
            case Binary(sign=sign, left=left, right=right) if sign in COMPARISONS:
                return self.compared(sign, left, right, weakest)
            case Among(inner=inner, members=members):
                ways = [self.compared("=", inner, member, STRENGTH["or"] + 1) for member in members]
                return ways[0] if len(ways) == 1 else _within(" | ".join(ways), STRENGTH["or"], weakest)
            case Call(function=function):
                raise self.unsaid(function)
            case _:
                raise self.unsaid(written(node)[:60])

    def named(self, name: str) -> str:
        if name in self.model.by_code:
            return self.feature(name)
        if name in self.attributes:
            return self.attribute(name)
        if name == "yes":
            return "true"
        raise self.unsaid(name)

    def compared(self, sign: str, left: Node, right: Node, weakest: int) -> str:
        for one, other in ((left, right), (right, left)):
            option = self.option(one, other)
            if option is not None and sign in ("=", "!="):
                return option if sign == "=" else ("!" + option if not option.startswith("!") else option[1:])
        strength = STRENGTH[sign]
        said = f"{self.value(left, strength + 1)} {SIGNS.get(sign, sign)} {self.value(right, strength + 1)}"
        return _within(said, strength, weakest)

    def option(self, one: Node, other: Node) -> str | None:
        """That a choice is this option, or a flag so."""
        feature = self.model.by_code.get(one.value) if isinstance(one, Name) else None
        word = other.value if isinstance(other, Name | Quoted) else None
        if isinstance(other, Number):
            word = f"{other.value:f}"
        if feature is None or feature.kind == "number" or word is None or (isinstance(other, Name) and word in self.model.by_code):
            return None
        known = ("yes", "no") if feature.kind == "flag" else tuple(option.code for option in feature.options)
        if word not in known:
            raise self.unsaid(word)
        return self.choice(feature.code, word)

    # Numbers -------------------------------------------------------------------------------------------------------------

    def value(self, node: Node, weakest: int) -> str:
        match node:
            case Number(value=number):
                return f"{number:f}"
            case Quoted(value=text):
                return text_of(text)
            case Name(value=name):
                return self.amount(name)
            case Unary(sign="-", inner=inner):
                return _within("-" + self.value(inner, ATOM), 9, weakest)
            case Many(sign="+", parts=several):
                return _within(self.summed(several), STRENGTH["+"], weakest)
            case Binary(sign="*" | "/", left=left, right=right):
                said = f"{self.value(left, STRENGTH['*'])} {node.sign} {self.value(right, STRENGTH['*'] + 1)}"
                return _within(said, STRENGTH["*"], weakest)
            case Call(function="floor" | "ceil", arguments=(inner,)):
                return f"{node.function}({self.value(inner, 0)})"
            case Call(function="sum" | "avg", arguments=arguments):
                return self.aggregate(node.function, arguments, weakest)
            case Call(function=function):
                raise self.unsaid(function)
            case _:
                raise self.unsaid(written(node)[:60])

    def amount(self, name: str) -> str:
        feature = self.model.by_code.get(name)
        if feature is not None and feature.kind == "choice":
            raise self.unsaid(name)
        return self.named(name)

    def summed(self, several: Sequence[Node]) -> str:
        said = [self.value(several[0], STRENGTH["+"] + 1)]
        for part in several[1:]:
            if isinstance(part, Unary) and part.sign == "-":
                said.append("- " + self.value(part.inner, STRENGTH["+"] + 1))
            else:
                said.append("+ " + self.value(part, STRENGTH["+"] + 1))
        return " ".join(said)

    def attribute(self, name: str) -> str:
        code, attribute = self.attributes[name]
        return ".".join([self.feature(code), *map(quoted, attribute.split("."))])

    def aggregate(self, function: str, arguments: Sequence[Node], weakest: int) -> str:
        """sum(attribute) where all that have it are added, sum(attribute, feature) for those beneath one, else a sum of its parts."""
        names = [argument.value for argument in arguments if isinstance(argument, Name)]
        known = [self.attributes[name] for name in names if name in self.attributes]
        if len(names) == len(arguments) == 1 and not known and names[0] in self.model.by_code:
            return f"{function}({self.amount(names[0])})"
        attributes = {attribute for _code, attribute in known}
        if len(known) < len(arguments) or len(attributes) != 1:
            raise self.unsaid(function)
        attribute = attributes.pop()
        path = ".".join(map(quoted, attribute.split(".")))
        if [code for code, _attribute in known] == self.having(attribute):
            return self.attribute(names[0]) if len(known) == 1 and function == "sum" else f"{function}({path})"
        for feature in self.model.features:
            if [code for code, _attribute in known] == self.having(attribute, feature.code) and len(known) > 1:
                return f"{function}({path}, {self.feature(feature.code)})"
        if function == "avg":
            raise self.unsaid(function)
        said = " + ".join(map(self.attribute, names))
        return _within(said, STRENGTH["+"], weakest) if len(names) > 1 else said

    def having(self, attribute: str, top: str = "") -> list[str]:
        """The features with a number as this attribute, all or those at and beneath one."""
        found = [feature.code for feature in self.model.features if any(name == attribute and isinstance(value, Decimal) for name, value in feature.attributes)]
        return [code for code in found if not top or self.is_beneath(code, top)]

    def is_beneath(self, code: str, top: str) -> bool:
        while code and code != top:
            code = self.parents.get(code, "")
        return code == top

    @cached_property
    def parents(self) -> Mapping[str, str]:
        """The feature above each, by the groups."""
        found: dict[str, str] = {}
        for formula in self.model.parsed.values():
            if isinstance(formula.root, Call) and formula.root.function == "group":
                parent, _least, _most, *members = formula.root.arguments
                if isinstance(parent, Name):
                    found |= {member.value: parent.value for member in members if isinstance(member, Name)}
        return found


def _within(said: str, strength: int, weakest: int) -> str:
    return f"({said})" if strength < weakest else said
