"""The shared test data, which is not part of the project, and the schemas in it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """The folder of the shared data; the test is skipped where it is absent."""
    if not (DATA / "ubl").is_dir():
        pytest.skip(f"the shared data is not there: {DATA}")
    return DATA


@cache
def _schema(data: Path, document: str, version: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(data / f"ubl/xsd-{version}/maindoc/UBL-{document}-{version}.xsd"))


@pytest.fixture
def invalid(shared: Path) -> Callable[[etree._Element, str], list[str]]:
    """What the schema of a version has against a document."""

    def errors(root: etree._Element, version: str) -> list[str]:
        schema = _schema(shared, etree.QName(root).localname, version)
        try:
            schema.assertValid(root.getroottree())
        except etree.DocumentInvalid as error:
            return [str(error)]
        return []

    return errors
