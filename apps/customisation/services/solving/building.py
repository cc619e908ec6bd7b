"""A model in parts: what no rule mentions, what is compiled, and what is left to search because its numbers are too wide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.base.formulas import Among, Binary, Node
from apps.customisation.services.solving.compiling import NotCompiled
from apps.customisation.services.solving.domains import Limits, Scope, divide
from apps.customisation.services.solving.encoding import Encoding, comparisons, encoded
from apps.customisation.services.solving.freely import Free
from apps.customisation.services.solving.model import Model, Rule, Table
from apps.customisation.services.solving.parts import Part
from apps.customisation.services.solving.walking import Walked

Law = Rule | Table


@dataclass(frozen=True, kw_only=True)
class Built:
    """The parts, with the laws of each (as `Part.refuting` counts them)."""

    parts: Sequence[tuple[Part, Sequence[Law]]]


def scope_of(model: Model, limits: Limits) -> Scope:
    """The names and the domains of a model that looks right."""
    scope = Scope(model, limits)
    found = [node for formula in model.parsed.values() for node in comparisons(formula.root) if isinstance(node, Binary | Among)]
    divide(scope, list(dict.fromkeys(found)), model.tables)
    return scope


def built(scope: Scope) -> Built:
    """Compile what can be compiled. Raises `encoding.Unsayable`."""
    laws: list[Law] = [*scope.model.rules, *scope.model.tables]
    about = {law.code: _about(scope, law) for law in laws}
    bound = {code for codes in about.values() for code in codes}
    parts: list[tuple[Part, Sequence[Law]]] = []
    free = [feature.code for feature in scope.model.features if feature.code not in bound]
    if free:
        parts.append((Free(free, scope.domains), ()))
    if laws:
        parts += _bound_parts(scope, laws, about, [feature.code for feature in scope.model.features if feature.code in bound])
    return Built(parts=parts)


def _about(scope: Scope, law: Law) -> Sequence[str]:
    if isinstance(law, Table):
        return law.features
    root = scope.model.parsed[law.code].root
    return () if root is None else scope.features_of(root)


def _bound_parts(scope: Scope, laws: Sequence[Law], about: Mapping[str, Sequence[str]], features: Sequence[str]) -> list[tuple[Part, Sequence[Law]]]:
    encoding = _encoded(scope, laws, features)
    hard = {code for node in encoding.large.values() for code in scope.features_of(node)} | set(encoding.there)
    if not hard:
        try:
            return [(Walked(features, encoding, scope.limits.seconds), laws)]
        except NotCompiled:
            hard = set(features)
    parts: list[tuple[Part, Sequence[Law]]] = []
    easy: tuple[list[str], list[Law]] = ([], [])
    for together, said in _components(laws, about, features):
        if hard.isdisjoint(together):
            easy[0].extend(together)
            easy[1].extend(said)
        else:
            parts.append((_searched(scope, said, together), said))
    if easy[1]:
        try:
            parts.append((Walked(easy[0], _encoded(scope, easy[1], easy[0]), scope.limits.seconds), easy[1]))
        except NotCompiled:
            parts.append((_searched(scope, easy[1], easy[0]), easy[1]))
    return parts


def _encoded(scope: Scope, laws: Sequence[Law], features: Sequence[str]) -> Encoding:
    roots: dict[str, Node | None] = {code: formula.root for code, formula in scope.model.parsed.items()}
    return encoded(scope, laws, roots, features)


def _searched(scope: Scope, laws: Sequence[Law], features: Sequence[str]) -> Part:
    from apps.customisation.services.solving.searching import Searched  # the solver's library takes 0.4 s to load, and few models need it

    return Searched(features, _encoded(scope, laws, features))


def _components(laws: Sequence[Law], about: Mapping[str, Sequence[str]], features: Sequence[str]) -> list[tuple[list[str], list[Law]]]:
    """The features that hang together by laws, in the model's order; laws without features are a component of their own."""
    leader = {code: code for code in features}

    def lead(code: str) -> str:
        while leader[code] != code:
            leader[code] = code = leader[leader[code]]
        return code

    for codes in about.values():
        for code in codes[1:]:
            leader[lead(code)] = lead(codes[0])
    found: dict[str, tuple[list[str], list[Law]]] = {}
    for code in features:
        found.setdefault(lead(code), ([], []))[0].append(code)
    for law in laws:
        key = lead(about[law.code][0]) if about[law.code] else ""
        found.setdefault(key, ([], []))[1].append(law)
    return list(found.values())
