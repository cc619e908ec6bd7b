"""The source as the architecture tests read it: every module of ours, parsed once."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file. name: dotted, as it is imported."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def place(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    def imports(self) -> set[str]:
        """Everything that it imports, dotted; relative imports as they resolve."""
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    above = package.split(".")[: len(package.split(".")) - node.level + 1]
                    base = ".".join([*above, *([base] if base else [])])
                found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        return found


def module(path: Path, root: Path = ROOT) -> Module:
    """The file parsed."""
    text = path.read_text("utf-8")
    name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    return Module(path, name, text, ast.parse(text))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every module below these folders, migrations left out."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts)
    return tuple(module(path) for path in paths)


@cache
def templates() -> tuple[tuple[str, str], ...]:
    """Every template: its place and its text."""
    folders = [ROOT / "templates", *(ROOT / "apps").glob("*/templates")]
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return tuple((path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths)
