"""Formulas that people write: rules of a configuration, conditions and quantities of a bill of material, run times, prices.

The language: names (letters, digits, `_`, with `.` inside; any other name in "double quotes"), numbers, 'quoted text', `and or not`
(also `& | !`), `=>`, `<=>`, `= != < <= > >=`, `x in (a, b)`, `+ - * /`, and the functions of `FUNCTIONS`.

A name stands for what was chosen. A bare word that is no feature is its own text, so that `colour = red` needs no quotes. As a condition
a name says that something was chosen, and is not `no`. A feature without a choice is unequal to everything and neither more nor less than
anything; a quantity that needs it is `Undefined`. Texts that read as numbers are equal to those numbers. Arithmetic is exact (fractions).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

from django.utils.translation import gettext as _

LONGEST = 20_000
DEEPEST = 60
LARGEST = 40  # digits before or after the decimal point

Value = bool | Decimal | str | None
Choices = Mapping[str, str | Decimal | bool | None]


class FormulaError(ValueError):
    """What is wrong with a formula, as a sentence in the language of the reader."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Unreadable(FormulaError):
    """The text is no formula; `column` counts from 1."""

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


class Undefined(FormulaError):
    """The formula needs a choice that was not made."""

    def __init__(self, name: str) -> None:
        super().__init__(_("“{name}” has no value here.").format(name=name))
        self.name = name


class Broken(FormulaError):
    """The formula cannot be computed for these choices: a division by zero, a text in a sum."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text in quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """A feature, or a word that stands for itself. `column` is where it stands."""

    value: str
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`not` or `-` before a node."""

    sign: str
    inner: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two nodes with `=> <=> = != < <= > >= * /` between them."""

    sign: str
    left: "Node"
    right: "Node"
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Many:
    """Two or more nodes with `and`, `or` or `+` between them, never one of the same sign directly inside; `a - b` is `a + (-b)`."""

    sign: str
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Among:
    """`inner in (members)`."""

    inner: "Node"
    members: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `FUNCTIONS` with its arguments."""

    function: str
    arguments: tuple["Node", ...]
    column: int = field(default=0, compare=False)


Node = Number | Quoted | Name | Unary | Binary | Many | Among | Call

# How many arguments each takes, at least and at most. count: how many of the names are chosen. sum and avg leave out what has no value.
# group(parent, least, most, a, b, ...): a, b, ... need the parent, and with it between least and most of them are chosen.
FUNCTIONS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("min", "max", "sum", "avg", "count"), (1, LONGEST)),
    **dict.fromkeys(("ceil", "floor", "abs"), (1, 1)),
    "if": (3, 3),
    "group": (4, LONGEST),
}
WORDS = {"and", "or", "not", "in"}
COMPARISONS = {"=", "!=", "<", "<=", ">", ">="}
ALIASES = {"&": "and", "|": "or", "!": "not", "==": "=", "≠": "!=", "≤": "<=", "≥": ">=", "×": "*", "·": "*", "÷": "/", "−": "-"}
STRENGTH = {"<=>": 1, "=>": 2, "or": 3, "and": 4, **dict.fromkeys((*COMPARISONS, "in"), 6), "+": 7, "-": 7, "*": 8, "/": 8}
NOT, MINUS, ATOM = 5, 9, 10

BARE = r"\d*[^\W\d]\w*(?:\.\w+)*"
TOKEN = re.compile(
    rf"""(?P<space>\s+)|(?P<name>{BARE})|(?P<number>\d+(?:\.\d+)?)|'(?P<text>(?:[^'\n]|'')*)'|"(?P<quoted>[^"\n]+)\""""
    r"|(?P<sign><=>|=>|==|!=|<=|>=|[-=<>+*/&|!(),≠≤≥×·÷−])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: its kind (name, number, text, quoted, sign, end), what it says, and its column from 1."""

    kind: str
    said: str
    column: int


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read; `root` is None where the text was empty, which holds always. str() writes it; equal trees are equal."""

    root: Node | None
    names: frozenset[str] = field(compare=False)

    def __str__(self) -> str:
        return "" if self.root is None else written(self.root)

    def value(self, choices: Choices) -> Value:
        """The value for these choices. Raises `Undefined` and `Broken`."""
        return True if self.root is None else _outward(_value(self.root, choices))

    def holds(self, choices: Choices) -> bool:
        """Whether it holds as a condition. Raises `Broken`, and `Undefined` where it is no condition but a quantity."""
        return self.root is None or _truth(self.root, choices)

    def amount(self, choices: Choices) -> Decimal:
        """Its value as a number. Raises `Undefined` and `Broken`."""
        if self.root is None:
            raise Broken(_("A number is missing here."))
        return _decimal(_number(self.root, choices))


@lru_cache(maxsize=4096)
def parse(text: str) -> Formula:
    """Read a formula. Raises `Unreadable` with the column of the first thing that cannot be read."""
    if len(text) > LONGEST:
        raise Unreadable(LONGEST + 1, _("A formula has at most {count} characters.").format(count=LONGEST))
    if not text.strip():
        return Formula(None, frozenset())
    root = _Reader(list(_tokens(text))).whole()
    return Formula(root, frozenset(node.value for node in walk(root) if isinstance(node, Name)))


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes beneath it."""
    waiting: list[Node] = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(parts(found)))


def parts(node: Node) -> tuple[Node, ...]:
    """The nodes directly beneath a node, in the order of the text."""
    match node:
        case Unary(inner=inner):
            return (inner,)
        case Binary(left=left, right=right):
            return (left, right)
        case Many(parts=several):
            return several
        case Among(inner=inner, members=members):
            return (inner, *members)
        case Call(arguments=arguments):
            return arguments
        case _:
            return ()


def joined(sign: str, nodes: list[Node]) -> Node:
    """`nodes` with `and`, `or` or `+` between them, flat; the single node where there is one."""
    flat = [part for node in nodes for part in (node.parts if isinstance(node, Many) and node.sign == sign else (node,))]
    return flat[0] if len(flat) == 1 else Many(sign, tuple(flat))


# Reading ---------------------------------------------------------------------------------------------------------------


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise Unreadable(at + 1, _unread(text[at]))
        kind = str(found.lastgroup)
        said = found.group(kind)
        if kind == "number" and len(said) > LARGEST:
            raise Unreadable(at + 1, _("The number is too long."))
        if (kind == "name" and said in WORDS) or kind == "sign":
            yield Token("sign", ALIASES.get(said, said), at + 1)
        elif kind != "space":
            yield Token(kind, said.replace("''", "'") if kind == "text" else said, at + 1)
        at = found.end()
    yield Token("end", "", len(text) + 1)


def _unread(character: str) -> str:
    if character in "'\"":
        return _("The quotation mark is not closed.")
    return _("“{character}” has no meaning in a formula.").format(character=character)


class _Reader:
    """Reads tokens by the strength of their signs; how deep it stands is counted, so that no text exhausts the stack."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.heights: dict[int, int] = {}
        self.kept: list[Node] = []

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def is_sign(self, *signs: str) -> bool:
        return self.token.kind == "sign" and self.token.said in signs

    def expect(self, sign: str) -> None:
        if not self.is_sign(sign):
            raise Unreadable(self.token.column, _("“{sign}” is missing here.").format(sign=sign))
        self.at += 1

    def whole(self) -> Node:
        root = self.expression(0, 0)
        if self.token.kind != "end":
            raise Unreadable(self.token.column, _("“{found}” is not expected here.").format(found=self.token.said))
        return root

    def measured(self, node: Node, column: int) -> Node:
        """The node, when its tree is not too high."""
        height = 1 + max((self.heights[id(part)] for part in parts(node)), default=0)
        if height > DEEPEST:
            raise Unreadable(column, _("The formula is nested too deeply."))
        self.heights[id(node)] = height
        self.kept.append(node)
        return node

    def expression(self, weakest: int, depth: int) -> Node:
        if depth > DEEPEST:
            raise Unreadable(self.token.column, _("The formula is nested too deeply."))
        left = self.operand(depth)
        while self.token.kind == "sign" and STRENGTH.get(self.token.said, -1) >= max(weakest, 1):
            sign = self.token
            left = self.measured(self.combined(left, depth), sign.column)
            if STRENGTH[sign.said] == STRENGTH["in"] and self.token.kind == "sign" and STRENGTH.get(self.token.said) == STRENGTH["in"]:
                raise Unreadable(self.token.column, _("Two comparisons in a row need “and” or parentheses."))
        return left

    def combined(self, left: Node, depth: int) -> Node:
        sign = self.take()
        if sign.said == "in":
            return Among(left, self.listed(depth))
        strength = STRENGTH[sign.said]
        if sign.said == "=>":
            return Binary("=>", left, self.expression(strength, depth + 1), sign.column)
        right = self.expression(strength + 1, depth + 1)
        if sign.said in ("and", "or", "+"):
            return joined(sign.said, [left, right])
        if sign.said == "-":
            return joined("+", [left, self.measured(Unary("-", right), sign.column)])
        return Binary(sign.said, left, right, sign.column)

    def listed(self, depth: int) -> tuple[Node, ...]:
        """What stands in parentheses, with commas between."""
        self.expect("(")
        found = [self.expression(0, depth + 1)]
        while self.is_sign(","):
            self.take()
            found.append(self.expression(0, depth + 1))
        self.expect(")")
        return tuple(found)

    def operand(self, depth: int) -> Node:
        token = self.take()
        if token.kind == "name" and self.is_sign("("):
            return self.measured(self.called(token, depth), token.column)
        if token.kind in ("name", "quoted"):
            return self.measured(Name(token.said, token.column), token.column)
        if token.kind == "number":
            return self.measured(Number(Decimal(token.said)), token.column)
        if token.kind == "text":
            return self.measured(Quoted(token.said), token.column)
        if token.kind == "sign" and token.said in ("not", "-"):
            inner = self.expression(NOT if token.said == "not" else MINUS, depth + 1)
            return self.measured(Unary(token.said, inner), token.column)
        if token.kind == "sign" and token.said == "(":
            inner = self.expression(0, depth + 1)
            self.expect(")")
            return inner
        self.at -= 1
        raise Unreadable(token.column, _("A name, a number or a text is missing here."))

    def called(self, token: Token, depth: int) -> Call:
        function = token.said.lower()
        if function not in FUNCTIONS:
            raise Unreadable(token.column, _("There is no function “{name}”.").format(name=token.said))
        arguments = self.listed(depth)
        least, most = FUNCTIONS[function]
        if not least <= len(arguments) <= most:
            raise Unreadable(token.column, _("“{name}” does not take {count} values.").format(name=function, count=len(arguments)))
        return Call(function, arguments, token.column)


# Writing ---------------------------------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    """A text in its quotes."""
    return "'" + text.replace("'", "''") + "'"


def named(name: str) -> str:
    """A name as a formula has it: bare where it can be."""
    return name if re.fullmatch(BARE, name) and name not in WORDS else f'"{name}"'


def written(node: Node) -> str:
    """The text of a node, with no more parentheses than it needs."""
    match node:
        case Number(value=value):
            return f"{value:f}"
        case Quoted(value=value):
            return quoted(value)
        case Name(value=value):
            return named(value)
        case Unary(sign=sign, inner=inner):
            return "not " + _within(inner, NOT) if sign == "not" else "-" + _within(inner, MINUS)
        case Among(inner=inner, members=members):
            return f"{_within(inner, STRENGTH['in'] + 1)} in ({', '.join(map(written, members))})"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(written, arguments))})"
        case Many(sign="+", parts=several):
            return _sum(several)
        case Many(sign=sign, parts=several):
            return f" {sign} ".join(_within(part, STRENGTH[sign] + 1) for part in several)
        case Binary(sign=sign, left=left, right=right):
            return _between(sign, left, right)


def _strength(node: Node) -> int:
    match node:
        case Unary(sign=sign):
            return NOT if sign == "not" else MINUS
        case Binary(sign=sign) | Many(sign=sign):
            return STRENGTH[sign]
        case Among():
            return STRENGTH["in"]
        case _:
            return ATOM


def _within(node: Node, weakest: int) -> str:
    return written(node) if _strength(node) >= weakest else f"({written(node)})"


def _between(sign: str, left: Node, right: Node) -> str:
    strength = STRENGTH[sign]
    leftmost = strength if sign in ("*", "/", "<=>") else strength + 1
    return f"{_within(left, leftmost)} {sign} {_within(right, strength if sign == '=>' else strength + 1)}"


def _sum(several: tuple[Node, ...]) -> str:
    said = [_within(several[0], STRENGTH["+"] + 1)]
    for part in several[1:]:
        negative = isinstance(part, Unary) and part.sign == "-"
        said.append(f"- {_within(part.inner, STRENGTH['+'] + 1)}" if negative and isinstance(part, Unary) else f"+ {_within(part, STRENGTH['+'] + 1)}")
    return " ".join(said)


# Computing -------------------------------------------------------------------------------------------------------------

_Inner = bool | Fraction | str | None
_EXACT = Context(prec=50, rounding=ROUND_HALF_EVEN)


def exact(node: Node, choices: Choices) -> Fraction:
    """A node's value as an exact fraction. Raises `Undefined` and `Broken`."""
    return _number(node, choices)


def condition(node: Node, choices: Choices) -> bool:
    """Whether a node holds. Raises `Broken`."""
    return _truth(node, choices)


def plain_number(text: str) -> Fraction | None:
    """The number that a text is, or None."""
    return Fraction(text) if re.fullmatch(r"-?\d{1,40}(\.\d{1,40})?", text, re.ASCII) else None


def _inward(value: str | Decimal | bool | int | None) -> _Inner:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal | int):
        number = Decimal(value)
        if not number.is_finite() or not -LARGEST <= number.adjusted() <= LARGEST or len(number.as_tuple().digits) > 2 * LARGEST:
            raise Broken(_("The number is too large."))
        return Fraction(number)
    return value


def _decimal(value: Fraction) -> Decimal:
    """Exact where it can be, else to fifty digits."""
    if value.denominator == 1:
        return Decimal(value.numerator)
    return _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _outward(value: _Inner) -> Value:
    return _decimal(value) if isinstance(value, Fraction) else value


def _value(node: Node, choices: Choices) -> _Inner:
    match node:
        case Number(value=number):
            return Fraction(number)
        case Quoted(value=text):
            return text
        case Name(value=name):
            return _inward(choices[name]) if name in choices else name
        case Call(function="if", arguments=(condition, then, otherwise)):
            return _value(then if _truth(condition, choices) else otherwise, choices)
        case Unary(sign="-") | Many(sign="+") | Binary(sign="*" | "/"):
            return _number(node, choices)
        case Call(function=function) if function != "group":
            return _number(node, choices)
        case _:
            return _truth(node, choices)


def _truth(node: Node, choices: Choices) -> bool:
    match node:
        case Unary(sign="not", inner=inner):
            return not _truth(inner, choices)
        case Many(sign="and", parts=several):
            return all(_truth(part, choices) for part in several)
        case Many(sign="or", parts=several):
            return any(_truth(part, choices) for part in several)
        case Binary(sign="=>", left=left, right=right):
            return not _truth(left, choices) or _truth(right, choices)
        case Binary(sign="<=>", left=left, right=right):
            return _truth(left, choices) == _truth(right, choices)
        case Binary(sign=sign, left=left, right=right) if sign in COMPARISONS:
            return _compared(sign, left, right, choices)
        case Among(inner=inner, members=members):
            return any(_compared("=", inner, member, choices) for member in members)
        case Call(function="group", arguments=(parent, least, most, *members)):
            return _grouped(parent, _number(least, choices), _number(most, choices), members, choices)
        case Call(function="if", arguments=(condition, then, otherwise)):
            return _truth(then if _truth(condition, choices) else otherwise, choices)
        case Name(value=name) if name in choices:
            return _said_so(choices[name])
        case Name(value=name):
            return name == "yes"
        case _:
            raise Broken(_("“{part}” is no condition.").format(part=written(node)[:60]))


def _said_so(value: str | Decimal | bool | None) -> bool:
    """Whether something was chosen: the number 0 was."""
    return value if isinstance(value, bool) else value is not None and value != "no"


def _grouped(parent: Node, least: Fraction, most: Fraction, members: list[Node], choices: Choices) -> bool:
    chosen = sum(_truth(member, choices) for member in members)
    return least <= chosen <= most if _truth(parent, choices) else chosen == 0


def _compared(sign: str, left: Node, right: Node, choices: Choices) -> bool:
    try:
        one, two = _value(left, choices), _value(right, choices)
    except Undefined:
        return sign == "!="
    if one is None or two is None:
        return sign == "!="
    one, two = _alike(one, two)
    if sign in ("=", "!="):
        return (one == two) is (sign == "=")
    if isinstance(one, str) or isinstance(two, str):
        return _unordered(left, right, choices)
    return _ORDER[sign](one, two)


_ORDER: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "<": lambda one, two: one < two,
    "<=": lambda one, two: one <= two,
    ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two,
}


def _unordered(left: Node, right: Node, choices: Choices) -> bool:
    """A word that is no feature here has no value and no order; a text that was chosen has none either, and that is a mistake."""
    for node in (left, right):
        if isinstance(node, Name) and node.value not in choices:
            return False
    raise Broken(_("“{left}” and “{right}” cannot be compared by size: one of them is a text.").format(left=written(left)[:60], right=written(right)[:60]))


def _alike(one: _Inner, two: _Inner) -> tuple[str | Fraction, str | Fraction]:
    """Both as numbers where one is a number and the other reads as one, or both as texts."""
    said_one, said_two = (_said(value) for value in (one, two))
    if isinstance(said_one, str) and isinstance(said_two, Fraction):
        number = plain_number(said_one)
        return (said_one if number is None else number), said_two
    if isinstance(said_one, Fraction) and isinstance(said_two, str):
        number = plain_number(said_two)
        return said_one, (said_two if number is None else number)
    return said_one, said_two


def _said(value: _Inner) -> str | Fraction:
    if isinstance(value, bool) or value is None:
        return "yes" if value else "no"
    return value


def _number(node: Node, choices: Choices) -> Fraction:
    match node:
        case Number(value=number):
            return Fraction(number)
        case Unary(sign="-", inner=inner):
            return -_number(inner, choices)
        case Many(sign="+", parts=several):
            return sum((_number(part, choices) for part in several), Fraction(0))
        case Binary(sign="*", left=left, right=right):
            return _bounded(_number(left, choices) * _number(right, choices))
        case Binary(sign="/", left=left, right=right):
            return _divided(node, _number(left, choices), _number(right, choices))
        case Call(function="if", arguments=(condition, then, otherwise)):
            return _number(then if _truth(condition, choices) else otherwise, choices)
        case Call(function="count", arguments=arguments):
            return Fraction(sum(_truth(argument, choices) for argument in arguments))
        case Call(function=function, arguments=arguments) if function != "group":
            return _called(function, arguments, choices)
        case Name() | Quoted():
            return _numeric(node, choices)
        case _:
            raise Broken(_("“{part}” is no number.").format(part=written(node)[:60]))


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > 20_000:
        raise Broken(_("The number is too large."))
    return value


def _divided(node: Node, left: Fraction, right: Fraction) -> Fraction:
    if right == 0:
        raise Broken(_("“{part}” divides by zero.").format(part=written(node)[:60]))
    return _bounded(left / right)


def _numeric(node: Name | Quoted, choices: Choices) -> Fraction:
    value = _value(node, choices)
    if value is None or (isinstance(node, Name) and node.value not in choices):
        raise Undefined(node.value)
    number = plain_number(value) if isinstance(value, str) else value
    if number is None or isinstance(number, bool):
        raise Broken(_("“{part}” is the text “{value}”, and no number.").format(part=written(node)[:60], value=value))
    return number


def _called(function: str, arguments: tuple[Node, ...], choices: Choices) -> Fraction:
    if function in ("sum", "avg"):
        found = list(_defined(arguments, choices))
        if function == "sum":
            return sum(found, Fraction(0))
        if not found:
            raise Undefined(written(arguments[0]))
        return sum(found, Fraction(0)) / len(found)
    values = [_number(argument, choices) for argument in arguments]
    match function:
        case "min":
            return min(values)
        case "max":
            return max(values)
        case "abs":
            return abs(values[0])
        case "ceil":
            return Fraction(ceil(values[0]))
        case _:
            return Fraction(floor(values[0]))


def _defined(arguments: tuple[Node, ...], choices: Choices) -> Iterator[Fraction]:
    for argument in arguments:
        try:
            yield _number(argument, choices)
        except Undefined:
            continue
