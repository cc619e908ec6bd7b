"""Format, lint, types, the import contract and the migrations hold; and each of these tools was seen to fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

BIN = Path(sys.executable).parent


def run(*command: str, cwd: Path = ROOT) -> tuple[int, str]:
    env = {**os.environ, "PYTHONPATH": "", "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_code_is_formatted() -> None:
    code, told = run("ruff", "format", "--check", "--quiet", ".")
    assert code == 0, told


def test_the_code_is_linted() -> None:
    code, told = run("ruff", "check", "--quiet", "--output-format=concise", ".")
    assert code == 0, told


def test_the_types_hold() -> None:
    code, told = run("mypy", "--no-error-summary")
    assert code == 0, told


def test_the_import_contract_holds() -> None:
    code, told = run("lint-imports")
    assert code == 0, told


def test_the_migrations_are_complete(database: None) -> None:
    code, told = run("python", "manage.py", "makemigrations", "--check", "--dry-run")
    assert code == 0, told


# Each of them fails where it should -----------------------------------------------------------------------------------


def test_the_formatter_can_fail(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("x = { 'a':1 }\n")
    assert run("ruff", "format", "--check", "--config", str(ROOT / "pyproject.toml"), str(sample))[0] == 1


def test_the_linter_can_fail(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("from os import *\n\n\ndef f(x=[]):\n    try:\n        return eval(x)\n    except Exception:\n        pass\n")
    code, told = run("ruff", "check", "--output-format=concise", "--config", str(ROOT / "pyproject.toml"), str(sample))
    assert code == 1
    assert {rule for rule in ("F403", "B006", "S307", "S110") if rule in told} == {"F403", "B006", "S307", "S110"}


def test_the_type_checker_can_fail(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("from apps.base import clock\n\n\ndef f(x):\n    return x\n\n\ny: int = clock.now()\n")
    code, told = run("mypy", "--config-file", "pyproject.toml", str(sample))
    assert code == 1
    assert "Function is missing a type annotation" in told
    assert 'expression has type "datetime"' in told


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, into which one line is written at a time."""
    target = tmp_path_factory.mktemp("tree")
    for name in ("apps", "portal"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


@pytest.mark.parametrize(
    ("place", "forbidden", "told"),
    [
        ("apps/base/clock.py", "from apps.documents import services", "apps.base is not allowed to import apps.documents"),
        ("apps/network/services.py", "from apps.exchange import services", "apps.network is not allowed to import apps.exchange"),
        ("apps/catalog/selectors.py", "from portal import settings", "apps is not allowed to import portal"),
        ("apps/exchange/services/sending.py", "from apps.tenants import boundary", "apps.tenants.boundary"),
        ("apps/documents/models.py", "import django_tenants.utils", "django_tenants"),
        ("apps/purchasing/__init__.py", "", "purchasing"),
    ],
)
def test_the_import_contract_can_fail(copied: Path, place: str, forbidden: str, told: str) -> None:
    file = copied / place
    before = file.read_text("utf-8") if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{before or ''}\n{forbidden}\n", "utf-8")
    try:
        code, output = run("lint-imports", "--no-cache", cwd=copied)
        assert code == 1
        assert told in output
    finally:
        if before is None:
            shutil.rmtree(file.parent)
        else:
            file.write_text(before, "utf-8")
