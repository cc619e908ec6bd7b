"""A UVL file as it is written: features with groups, attributes and constraints, names not yet looked up.

The grammar is that of the Universal Variability Language (Benavides et al., UVL: Feature modelling with the Universal Variability Language,
JSS 225, 2025), language levels Boolean, Arithmetic and Type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _

from apps.base import formulas
from apps.base.formulas import Binary, Call, Name, Node, Number, Quoted, Unary
from apps.customisation.services.uvl.faults import Place, Refused, refuse
from apps.customisation.services.uvl.tokens import Token, tokens

GROUPS = ("mandatory", "optional", "or", "alternative")
TYPES = ("Boolean", "Integer", "Real", "String")
RESERVED = (*GROUPS, *TYPES, "include", "namespace", "imports", "features", "constraints", "cardinality", "constraint", "true", "false")
FUNCTIONS = ("sum", "avg", "floor", "ceil", "len")
SIGNS = {"!": "not", "&": "and", "|": "or", "==": "="}
DEEPEST = 60
Attribute = tuple[str, Decimal | str | bool, Place]


@dataclass
class Constraint:
    """A condition. Its names are references as they were written; a Name's column is its place among `places`."""

    root: Node
    place: Place


@dataclass
class Group:
    """Features under another: least and most of them, None for all."""

    kind: str
    least: int | None
    most: int | None
    place: Place
    members: list["Branch"] = field(default_factory=list)


@dataclass
class Branch:
    """A feature with everything beneath it. name: as it was written, with dots where it is another file's."""

    name: str
    kind: str
    place: Place
    cardinality: tuple[int, int | None] | None = None
    attributes: list[Attribute] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    def said(self, attribute: str) -> Decimal | str | bool | None:
        """The value of an attribute, or None."""
        return next((value for name, value, _place in self.attributes if name == attribute), None)

    @property
    def code(self) -> str:
        """The code in the model: the name, where the attribute `code` says no other."""
        said = self.said("code")
        return said if isinstance(said, str) else self.name


@dataclass
class Import:
    """Another file, by its name with dots, and how it is called here."""

    path: str
    called: str
    place: Place


@dataclass
class Tree:
    """A file."""

    namespace: str = ""
    imports: list[Import] = field(default_factory=list)
    root: Branch | None = None
    constraints: list[Constraint] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


def parsed(text: str, file: str = "") -> Tree:
    """Read a file by its form. Raises `Refused` with the first place that is wrong."""
    reader = _Reader(list(tokens(text, file)))
    reader.whole()
    return reader.tree


class _Reader:
    def __init__(self, found: Sequence[Token]) -> None:
        self.found = found
        self.at = 0
        self.tree = Tree()

    # Tokens --------------------------------------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        return self.found[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.found[self.at - 1]

    def wrong(self, token: Token, wanted: str) -> Refused:
        """A refusal: something else is wanted here."""
        said = token.said or {"line": _("the end of the line"), "end": _("the end of the file")}.get(token.kind, _("a change of indentation"))
        return refuse(token.place, "syntax", token.said, _("Here is “{found}”, and wanted is {wanted}.").format(found=said, wanted=wanted))

    def sign(self, sign: str) -> Token:
        if not self.token.is_sign(sign):
            raise self.wrong(self.token, f"“{sign}”")
        return self.take()

    def line(self) -> None:
        """The end of a line."""
        if self.token.kind == "line":
            self.take()
        elif self.token.kind not in ("end", "out"):
            raise self.wrong(self.token, _("the end of the line"))

    def block(self) -> bool:
        """Whether an indented block begins; if so, it is entered."""
        if self.token.kind != "in":
            return False
        self.take()
        return True

    def reference(self) -> tuple[str, Place]:
        """A name, with dots between its parts."""
        place, parts = self.token.place, [self.name()]
        while self.token.is_sign("."):
            self.take()
            parts.append(self.name())
        return ".".join(parts), place

    def name(self) -> str:
        token = self.token
        if token.kind == "quoted" and "." in token.said:
            raise refuse(token.place, "syntax", token.said, _("The name “{name}” has a dot in it.").format(name=token.said))
        if token.kind != "quoted" and (token.kind != "word" or token.said in RESERVED):
            raise self.wrong(token, _("a name"))
        return self.take().said

    # The file --------------------------------------------------------------------------------------------------------------

    def whole(self) -> None:
        """The sections, each once and in their order."""
        if self.token.is_word("include"):
            self.take()
            self.line()
            self.levels()
        if self.token.is_word("namespace"):
            self.take()
            self.tree.namespace = self.reference()[0]
            self.line()
        if self.token.is_word("imports"):
            self.take()
            self.line()
            self.imports()
        if not self.token.is_word("features"):
            raise self.wrong(self.token, "“features”")
        self.take()
        self.line()
        self.features()
        if self.token.is_word("constraints"):
            self.take()
            self.line()
            self.constraints()
        if self.token.kind != "end":
            raise self.wrong(self.token, _("the end of the file"))

    def levels(self) -> None:
        """Which levels of the language the file uses: what it really uses is seen where it does."""
        if self.block():
            while self.token.kind != "out":
                while self.token.kind in ("word", "quoted") or self.token.is_sign(".", "*", "-"):
                    self.take()
                self.line()
            self.take()

    def imports(self) -> None:
        if self.block():
            while self.token.kind != "out":
                path, place = self.reference()
                called = path
                if self.token.is_word("as"):
                    self.take()
                    called = self.reference()[0]
                self.tree.imports.append(Import(path, called, place))
                self.line()
            self.take()

    def features(self) -> None:
        if not self.block():
            raise self.wrong(self.token, _("an indented feature"))
        self.tree.root = self.branch(0)
        if self.token.kind != "out":
            raise self.wrong(self.token, _("the end of the features: there is one root, and what is beneath it is indented"))
        self.take()

    def constraints(self) -> None:
        if self.block():
            while self.token.kind != "out":
                self.tree.constraints.append(self.constraint())
                self.line()
            self.take()

    # Features ------------------------------------------------------------------------------------------------------------

    def branch(self, depth: int) -> Branch:
        if depth > 2 * DEEPEST:
            raise refuse(self.token.place, "syntax", self.token.said, _("The features are nested too deeply."))
        kind = self.take().said if self.token.is_word(*TYPES) else "Boolean"
        name, place = self.reference()
        branch = Branch(name, kind, place)
        if self.token.is_word("cardinality"):
            self.take()
            branch.cardinality = self.bounds()
        if self.token.is_sign("{"):
            self.attributes(branch, "")
        self.line()
        if self.block():
            while self.token.kind != "out":
                branch.groups.append(self.group(depth))
            self.take()
        return branch

    def group(self, depth: int) -> Group:
        token = self.token
        if token.is_word(*GROUPS):
            self.take()
            bounds: dict[str, tuple[int | None, int | None]] = {"mandatory": (None, None), "optional": (0, None), "or": (1, None), "alternative": (1, 1)}
            group = Group(token.said, *bounds[token.said], token.place)
        elif token.is_sign("["):
            group = Group("cardinality", *self.bounds(), token.place)
        else:
            raise self.wrong(token, _("“mandatory”, “optional”, “or”, “alternative” or a cardinality"))
        self.line()
        if not self.block():
            raise self.wrong(self.token, _("an indented feature"))
        while self.token.kind != "out":
            group.members.append(self.branch(depth + 1))
        self.take()
        return group

    def bounds(self) -> tuple[int, int | None]:
        """[n], [n..m] or [n..*]; without m it is n."""
        opening = self.sign("[")
        least = self.whole_number()
        most: int | None = least
        if self.token.is_sign(".."):
            self.take()
            if self.token.is_sign("*"):
                self.take()
                most = None
            else:
                most = self.whole_number()
        self.sign("]")
        if most is not None and most < least:
            raise refuse(opening.place, "syntax", f"{least}..{most}", _("The cardinality ends before it begins."))
        return least, most

    def whole_number(self) -> int:
        if self.token.kind != "number" or not self.token.said.isdecimal() or len(self.token.said) > 9:
            raise self.wrong(self.token, _("a whole number"))
        return int(self.take().said)

    # Attributes ------------------------------------------------------------------------------------------------------------

    def attributes(self, branch: Branch, before: str) -> None:
        self.sign("{")
        while not self.token.is_sign("}"):
            self.attribute(branch, before)
            if not self.token.is_sign("}"):
                self.sign(",")
        self.take()

    def attribute(self, branch: Branch, before: str) -> None:
        token = self.token
        if token.is_word("constraint"):
            self.take()
            branch.constraints.append(self.constraint())
        elif token.is_word("constraints"):
            self.take()
            self.sign("[")
            while not self.token.is_sign("]"):
                branch.constraints.append(self.constraint())
                if not self.token.is_sign("]"):
                    self.sign(",")
            self.take()
        else:
            name = before + self.name()
            if self.token.is_sign("{"):
                self.attributes(branch, f"{name}.")
            else:
                branch.attributes.append((name, self.value(), token.place))

    def value(self) -> Decimal | str | bool:
        token = self.token
        if token.is_sign(",", "}"):
            return True
        if token.is_sign("["):
            raise refuse(token.place, "unsaid", "[", _("A list as the value of an attribute cannot be kept here."))
        if token.is_sign("-", "+"):
            self.take()
            number = self.value()
            if isinstance(number, str | bool):
                raise self.wrong(token, _("a value"))
            return -number if token.said == "-" else number
        self.take()
        if token.kind == "number":
            return Decimal(token.said)
        if token.kind in ("text", "quoted"):
            return token.said
        if token.is_word("true", "false"):
            return token.said == "true"
        raise self.wrong(token, _("a value"))

    # Constraints -----------------------------------------------------------------------------------------------------------

    def constraint(self) -> Constraint:
        place = self.token.place
        return Constraint(self.expression(1, 0), place)

    def expression(self, weakest: int, depth: int) -> Node:
        """By the strength of the signs: <=> is weakest, then => | & ! and comparisons, + -, * /."""
        if depth > DEEPEST:
            raise refuse(self.token.place, "syntax", self.token.said, _("The constraint is nested too deeply."))
        left = self.operand(depth)
        chained = 0
        while self.token.kind == "sign":
            sign = SIGNS.get(self.token.said, self.token.said)
            strength = formulas.STRENGTH.get(sign, 0)
            if sign == "not" or strength < weakest:
                break
            chained += sign not in ("and", "or", "+", "-")
            if chained > DEEPEST:
                raise refuse(self.token.place, "syntax", self.token.said, _("The constraint is nested too deeply."))
            self.take()
            right = self.expression(strength if sign == "=>" else strength + 1, depth + 1)
            left = self.joined(sign, left, right)
        return left

    def joined(self, sign: str, left: Node, right: Node) -> Node:
        if sign in ("and", "or", "+"):
            return formulas.joined(sign, [left, right])
        return formulas.joined("+", [left, Unary("-", right)]) if sign == "-" else Binary(sign, left, right)

    def operand(self, depth: int) -> Node:
        token = self.token
        if token.is_sign("!"):
            self.take()
            return Unary("not", self.expression(formulas.NOT, depth + 1))
        if token.is_sign("-"):
            self.take()
            return Unary("-", self.expression(formulas.MINUS, depth + 1))
        if token.is_sign("("):
            self.take()
            inner = self.expression(1, depth + 1)
            self.sign(")")
            return inner
        if token.kind == "number":
            return Number(Decimal(self.take().said))
        if token.kind == "text":
            return Quoted(self.take().said)
        if token.is_word("true", "false"):
            return Name("yes") if self.take().said == "true" else Unary("not", Name("yes"))
        if token.kind == "word" and self.found[self.at + 1].is_sign("("):
            return self.called(depth)
        return self.referred()

    def referred(self) -> Name:
        name, place = self.reference()
        self.tree.places.append(place)
        return Name(name, len(self.tree.places))

    def called(self, depth: int) -> Call:
        token = self.take()
        if token.said not in FUNCTIONS:
            raise refuse(token.place, "syntax", token.said, _("There is no function “{name}”.").format(name=token.said))
        if token.said == "len":
            raise refuse(token.place, "unsaid", "len", _("Texts are not chosen here, so that their length cannot be asked."))
        self.sign("(")
        arguments: list[Node] = [self.expression(1, depth + 1)]
        while self.token.is_sign(","):
            self.take()
            arguments.append(self.expression(1, depth + 1))
        self.sign(")")
        self.tree.places.append(token.place)
        return Call(token.said, tuple(arguments), len(self.tree.places))
