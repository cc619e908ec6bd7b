"""The constraints of a UVL file as our formulas: each reference looked up, each word that we do not have refused."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.base import formulas
from apps.base.formulas import Binary, Call, Many, Name, Node, Number, Quoted, Unary
from apps.customisation.services.uvl.assembling import Said, Whole
from apps.customisation.services.uvl.faults import Place, refuse
from apps.customisation.services.uvl.tree import Branch


@dataclass
class Words:
    """What names mean. used: names of attributes in constraints; options: features that became options, with the choice that has them."""

    whole: Whole
    used: frozenset[str]
    options: dict[str, str]


def resolved(said: Said, words: Words) -> Node:
    """A constraint as a formula. Raises `Refused`."""
    return _Resolving(said, words).truth(said.constraint.root)


@dataclass
class _Resolving:
    said: Said
    words: Words

    def place(self, node: Name | Call) -> Place:
        return self.said.places[node.column - 1] if node.column else self.said.constraint.place

    # Conditions ------------------------------------------------------------------------------------------------------------

    def truth(self, node: Node) -> Node:
        """A node that is true or false."""
        match node:
            case Name(value="yes", column=0):
                return node
            case Name():
                return self.chosen(node)
            case Unary(sign="not", inner=inner):
                return Unary("not", self.truth(inner))
            case Many(sign="and" | "or", parts=several):
                return formulas.joined(node.sign, [self.truth(part) for part in several])
            case Binary(sign="=>" | "<=>", left=left, right=right):
                return Binary(node.sign, self.truth(left), self.truth(right))
            case Binary(sign=sign, left=left, right=right) if sign in formulas.COMPARISONS:
                return Binary(sign, self.value(left), self.value(right))
            case _:
                part = formulas.written(node)[:60]
                raise refuse(self.said.constraint.place, "syntax", part, _("“{part}” is no condition.").format(part=part))

    def chosen(self, node: Name) -> Node:
        """That a feature is chosen."""
        code = self.said.prefix + node.value
        if code in self.words.options:
            branches = self.words.whole.by_code
            return Binary("=", Name(branches[self.words.options[code]].code), Name(branches[code].code))
        if code in self.words.whole.by_code:
            return Name(self.words.whole.by_code[code].code)
        owner, attribute, value = self.attribute(node)
        if not isinstance(value, bool):
            raise refuse(self.place(node), "syntax", node.value, _("“{name}” is no condition.").format(name=node.value))
        return Name(f"{owner.code}.{attribute}")

    # Numbers and texts -----------------------------------------------------------------------------------------------------

    def value(self, node: Node) -> Node:
        """A node that is a number or a text."""
        match node:
            case Number() | Quoted():
                return node
            case Name():
                return self.amount(node)
            case Unary(sign="-", inner=inner):
                return Unary("-", self.value(inner))
            case Many(sign="+", parts=several):
                return formulas.joined("+", [self.value(part) for part in several])
            case Binary(sign="*" | "/", left=left, right=right):
                return Binary(node.sign, self.value(left), self.value(right))
            case Call(function="sum" | "avg"):
                return self.aggregate(node)
            case Call(function=function, arguments=arguments):
                return Call(function, tuple(self.value(argument) for argument in arguments))
            case _:
                part = formulas.written(node)[:60]
                raise refuse(self.said.constraint.place, "syntax", part, _("“{part}” is no number.").format(part=part))

    def amount(self, node: Name) -> Node:
        """A number that is chosen, or an attribute: 0 while its feature is not chosen."""
        code = self.said.prefix + node.value
        if code in self.words.options:
            raise refuse(self.place(node), "unsaid", node.value, _("“{name}” is chosen or not: it is no value that could be compared.").format(name=node.value))
        if code in self.words.whole.by_code:
            return Name(self.words.whole.by_code[code].code)
        owner, name, value = self.attribute(node)
        full = Name(f"{owner.code}.{name}")
        return Call("sum", (full,)) if isinstance(value, Decimal) else full

    def attribute(self, node: Name) -> tuple[Branch, str, Decimal | str | bool]:
        """The feature, the name and the value of an attribute, as `feature.attribute`."""
        code = self.said.prefix + node.value
        parts = code.split(".")
        for length in range(len(parts) - 1, 0, -1):
            branch = self.words.whole.by_code.get(".".join(parts[:length]))
            if branch is not None:
                name = ".".join(parts[length:])
                for other, value, _place in branch.attributes:
                    if other == name:
                        return branch, name, value
        raise refuse(self.place(node), "unknown", node.value, _("There is no feature “{name}”.").format(name=node.value))

    def aggregate(self, node: Call) -> Node:
        """sum(attribute), or sum(attribute, feature): of all features that have it, or of those beneath one."""
        names = [argument for argument in node.arguments if isinstance(argument, Name)]
        if len(names) != len(node.arguments) or len(names) > 2:
            raise refuse(self.place(node), "syntax", node.function, _("“{name}” takes an attribute, and a feature.").format(name=node.function))
        code = self.said.prefix + names[0].value
        if len(names) == 1 and code in self.words.whole.by_code:
            return Call(node.function, (self.amount(names[0]),))
        top = self.said.prefix + names[1].value if len(names) == 2 else ""
        if top and top not in self.words.whole.by_code:
            raise refuse(self.place(names[1]), "unknown", names[1].value, _("There is no feature “{name}”.").format(name=names[1].value))
        found = [Name(f"{owner}.{names[0].value}") for owner in having(self.words.whole, names[0].value, top)]
        if not found:
            raise refuse(self.place(names[0]), "unknown", names[0].value, _("No feature has the attribute “{name}”.").format(name=names[0].value))
        return Call(node.function, tuple(found))


def having(whole: Whole, attribute: str, top: str) -> list[str]:
    """The features with a number as this attribute: all, or those at and beneath one."""
    found = []
    for code, branch in whole.by_code.items():
        numeric = any(name == attribute and isinstance(value, Decimal) for name, value, _place in branch.attributes)
        above: str | None = code
        while top and above is not None and above != top:
            above = whole.parents.get(above)
        if numeric and (not top or above == top):
            found.append(branch.code)
    return found
