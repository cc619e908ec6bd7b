"""Code lists that every UBL message draws on: currencies, units, countries."""

from functools import cache
from pathlib import Path


def _words(name: str) -> list[str]:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return [word for row in text.splitlines() if not row.startswith("#") for word in row.split()]


@cache
def currencies() -> frozenset[str]:
    """ISO 4217 alphabetic codes."""
    return frozenset(_words("currencies.txt"))


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes."""
    return frozenset(_words("countries.txt"))


@cache
def units() -> frozenset[str]:
    """UN/ECE Rec 20 codes, and Rec 21 with and without the X that Rec 20 puts before them."""
    words = _words("units.txt")
    border = words.index("packages")
    packages = words[border + 1 :]
    return frozenset([*words[:border], *packages, *(f"X{package}" for package in packages)])
