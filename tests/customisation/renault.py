"""The small car of Renault (XCSP 2.1, allowed combinations) as a product model."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from apps.customisation.services.solving import Feature, Model, Option, Table

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "configurator" / "renault" / "renault_small"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="the cars of Renault are not there: ../shared/data/configurator")


@cache
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
    return found


@cache
def car(name: str) -> Model:
    """A file of constraints; every variable takes one of its values, -1 (the option is absent) too."""
    root = ET.parse(FOLDER / name).getroot()
    domains = {domain.get("name"): (domain.text or "").split() for domain in root.iterfind("domains/domain")}
    features = tuple(
        Feature(code=variable.get("name", ""), kind="choice", options=tuple(Option(code=value) for value in domains[variable.get("domain")]))
        for variable in root.iterfind("variables/variable")
    )
    relations = {
        relation.get("name"): [tuple(row.split()) for row in (relation.text or "").split("|") if row.strip()]
        for relation in root.iterfind("relations/relation")
    }
    values = {feature.code: {option.code for option in feature.options} for feature in features}
    tables = []
    for constraint in root.iterfind("constraints/constraint"):
        scope = tuple((constraint.get("scope") or "").split())
        rows = (row for row in relations[constraint.get("reference")] if all(value in values[code] for code, value in zip(scope, row, strict=True)))
        tables.append(Table(code=constraint.get("name", ""), features=scope, rows=tuple(rows)))
    return Model(code=name, features=features, tables=tuple(tables))


def sold() -> list[tuple[dict[str, str], str]]:
    """The cars that were sold, each with its verdict: V valid, I against the constraints, O with a value that is not declared."""
    with (FOLDER / "brut.csv").open() as file:
        rows = [{code: value for code, value in row.items() if code != "vfreq"} for row in csv.DictReader(file)]
    return list(zip(rows, (FOLDER / "brut_row_verdicts.txt").read_text().split(), strict=True))
