"""A part of a model that cannot be compiled: every question is asked of OR-Tools' CP-SAT. Slower than a circuit, and without counts."""

from collections.abc import Iterable, Mapping, Sequence

from ortools.sat.python import cp_model

from apps.customisation.services.solving.arithmetic import Arithmetic
from apps.customisation.services.solving.domains import Cell, Domain, plain
from apps.customisation.services.solving.encoding import Encoding
from apps.customisation.services.solving.model import OutOfTime, Value
from apps.customisation.services.solving.parts import Look, representative
from apps.customisation.services.solving.walking import fewest

SECONDS = 20.0


class Searched:
    """Features whose rules a solver keeps."""

    def __init__(self, features: Sequence[str], encoding: Encoding) -> None:
        """Write the model. Raises `encoding.Unsayable`."""
        self.features = features
        self.encoding = encoding
        self.domains: Mapping[str, Domain] = encoding.scope.domains
        self.model = cp_model.CpModel()
        self.arithmetic = Arithmetic(encoding, self.model)
        self.arithmetic.write()
        self.says = [self.model.new_bool_var(f"law{place}") for place in range(len(encoding.laws))]
        for clause, mark in zip(encoding.clauses, encoding.marks, strict=True):
            said = self.model.add_bool_or([self.arithmetic.solvers(literal) for literal in clause])
            if mark >= 0:
                said.only_enforce_if(self.says[mark])
        for code in features:
            for literal in encoding.cells.get(code, ()) or (encoding.there[code],):
                self.arithmetic.solvers(literal)

    # Asking ----------------------------------------------------------------------------------------------------------------

    def _asked(self, chosen: Mapping[str, Value], laws: Iterable[int] | None = None) -> cp_model.CpModel:
        """The model with some laws (all where none are named) and these choices."""
        model = self.model.clone()
        said = range(len(self.says)) if laws is None else laws
        for place in said:
            model.add(self.says[place] == 1)
        for code, value in chosen.items():
            self._choose(model, code, value)
        return model

    def _choose(self, model: cp_model.CpModel, code: str, value: Value, only_if: "cp_model.LiteralT | None" = None) -> None:
        domain = self.domains[code]
        said: list[cp_model.Constraint] = []
        if not domain.wide:
            said.append(model.add_bool_or([self.arithmetic.solvers(self.encoding.cells[code][domain.cell(value)])]))
        elif value is None:
            said.append(model.add_bool_or([self.arithmetic.solvers(-self.encoding.there[code])]))
        else:
            said.append(model.add_bool_or([self.arithmetic.solvers(self.encoding.there[code])]))
            said.append(model.add(self.arithmetic.numbers[code] == domain.step(value)))
        if only_if is not None:
            for one in said:
                one.only_enforce_if(only_if)

    def _solved(self, model: cp_model.CpModel) -> cp_model.CpSolver | None:
        """The solver with its solution, None where there is none. Raises `OutOfTime`."""
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.max_time_in_seconds = SECONDS
        status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return None
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            raise OutOfTime
        return solver

    def possible(self, chosen: Mapping[str, Value]) -> bool:
        """Whether there is a solution."""
        return self._solved(self._asked(chosen)) is not None

    def count(self, chosen: Mapping[str, Value]) -> int | None:
        """Not known."""
        return None

    # What is possible ------------------------------------------------------------------------------------------------------

    def look(self, chosen: Mapping[str, Value]) -> Look:
        """All choices, and then without each of them."""
        now = self._reached(chosen, self.features)
        others = dict(now)
        for code in chosen:
            others |= self._reached({other: value for other, value in chosen.items() if other != code}, [code])
        return Look(valid=all(now[code] for code in self.features), others=others, now=now)

    def _reached(self, chosen: Mapping[str, Value], features: Sequence[str]) -> dict[str, Sequence[Cell]]:
        """The cells of these features that are in solutions: solutions are asked for until none shows a new one."""
        model = self._asked(chosen)
        found: set[int] = set()
        wanted = {literal for code in features for literal in self._literals(code)}
        while new := wanted - found:
            one = model.clone()
            one.add_bool_or([self.arithmetic.solvers(literal) for literal in sorted(new)])
            one.maximize(cp_model.LinearExpr.sum([self.arithmetic.solvers(literal) for literal in sorted(new)]))
            solver = self._solved(one)
            if solver is None:
                break
            found |= {literal for literal in new if solver.boolean_value(self.arithmetic.solvers(literal))}
        return {code: self._cells(model, code, found) for code in features}

    def _literals(self, code: str) -> tuple[int, ...]:
        there = self.encoding.there.get(code)
        return self.encoding.cells[code] if there is None else (there, -there)

    def _cells(self, model: cp_model.CpModel, code: str, found: set[int]) -> Sequence[Cell]:
        domain, literals = self.domains[code], self._literals(code)
        if not domain.wide:
            return [cell for cell, literal in zip(domain.cells, literals, strict=True) if literal in found]
        cells = []
        if literals[0] in found:
            first, last = (self._end(model, code, sign) for sign in (1, -1))
            cells.append(Cell(plain(domain.number(first)), first, last))
        return [*cells, Cell(None)] if domain.feature.optional and literals[1] in found else cells

    def _end(self, model: cp_model.CpModel, code: str, sign: int) -> int:
        """The least step (sign 1) or the last (sign -1)."""
        one = model.clone()
        one.add_bool_or([self.arithmetic.solvers(self.encoding.there[code])])
        one.minimize(sign * self.arithmetic.numbers[code])
        solver = self._solved(one)
        if solver is None:
            raise OutOfTime
        return solver.value(self.arithmetic.numbers[code])

    # The nearest solution --------------------------------------------------------------------------------------------------

    def nearest(self, fixed: Mapping[str, Value], wanted: Mapping[str, tuple[Value, int]]) -> dict[str, Value] | None:
        """The cheapest solution."""
        model = self._asked(fixed)
        costs = []
        for code, (value, cost) in wanted.items():
            kept = model.new_bool_var("")
            self._choose(model, code, value, only_if=kept)
            costs.append(cost * ~kept)
        model.minimize(cp_model.LinearExpr.sum(costs))
        solver = self._solved(model)
        if solver is None:
            return None
        kept_values = {code: value for code, (value, _cost) in wanted.items()} | dict(fixed)
        return {code: self._value(solver, code, kept_values.get(code)) for code in self.features}

    def _value(self, solver: cp_model.CpSolver, code: str, wanted: Value) -> Value:
        domain = self.domains[code]
        true = [place for place, literal in enumerate(self._literals(code)) if solver.boolean_value(self.arithmetic.solvers(literal))]
        if not domain.wide:
            return representative(domain, domain.cells[true[0]], wanted)
        return plain(domain.number(solver.value(self.arithmetic.numbers[code]))) if true[0] == 0 else None

    # Why -------------------------------------------------------------------------------------------------------------------

    def refuting(self, chosen: Mapping[str, Value]) -> tuple[list[int], list[str]]:
        """A contradiction as the solver finds it, and then no more of it than needed."""
        codes = list(chosen)
        laws = len(self.says)
        model = self.model.clone()
        asked = [model.new_bool_var("") for _code in codes]
        for code, literal in zip(codes, asked, strict=True):
            self._choose(model, code, chosen[code], only_if=literal)
        model.add_assumptions([*self.says, *asked])
        items = self._core(model, {literal.index: place for place, literal in enumerate([*self.says, *asked])})

        def refuted(some: Sequence[int]) -> bool:
            part = {codes[item - laws]: chosen[codes[item - laws]] for item in some if item >= laws}
            return self._solved(self._asked(part, [item for item in some if item < laws])) is None

        # The choices last: of two explanations, the one with fewer choices is found first.
        needed = fewest(items, refuted)
        return [item for item in needed if item < laws], [codes[item - laws] for item in needed if item >= laws]

    def fewest_laws(self, assumed: Sequence[int]) -> list[int]:
        """A minimal set of laws that refutes these literals."""
        model = self.model.clone()
        for literal in assumed:
            model.add_bool_or([self.arithmetic.solvers(literal)])
        base = model.clone()
        model.add_assumptions(self.says)
        items = self._core(model, {literal.index: place for place, literal in enumerate(self.says)})

        def refuted(some: Sequence[int]) -> bool:
            one = base.clone()
            for item in some:
                one.add(self.says[item] == 1)
            return self._solved(one) is None

        return fewest(items, refuted)

    def _core(self, model: cp_model.CpModel, places: Mapping[int, int]) -> list[int]:
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.max_time_in_seconds = SECONDS
        if solver.solve(model) != cp_model.INFEASIBLE:
            raise OutOfTime
        return sorted(places[index] for index in solver.sufficient_assumptions_for_infeasibility())
