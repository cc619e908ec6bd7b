"""Clauses into a circuit (d-DNNF, deterministic and decomposable), in which every question of a session is one walk."""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

COMPILER = Path(__file__).with_name("d4.py")


class NotCompiled(Exception):
    """The compiler took too long, or failed."""


def compiled(variables: int, clauses: Sequence[Sequence[int]], seconds: float) -> str:
    """The circuit in d4's text format: `o a t f` lines are nodes, the others edges with their literals. Raises `NotCompiled`."""
    asked = json.dumps({"variables": variables, "clauses": list(_plain(clauses))})
    try:
        done = subprocess.run([sys.executable, "-I", str(COMPILER)], input=asked, capture_output=True, text=True, timeout=seconds, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        raise NotCompiled(str(error)) from error
    lines = [line for line in done.stdout.splitlines() if line[:1] in "oatf0123456789" and line.endswith(" 0")]
    if not lines:
        raise NotCompiled("no circuit")
    return "\n".join(lines)


def _plain(clauses: Sequence[Sequence[int]]) -> Iterable[tuple[int, ...]]:
    """Each clause once, each literal once: a literal that stands twice in a clause brings the compiler down."""
    found = dict.fromkeys(tuple(sorted(set(clause))) for clause in clauses)
    return (clause for clause in found if all(-literal not in clause for literal in clause))
