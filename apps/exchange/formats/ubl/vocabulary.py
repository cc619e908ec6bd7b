"""Codes by which the standards answer an order, and the words that the content has for them."""

from collections.abc import Mapping
from typing import Final

# UNCL 4343 as Peppol has it, and what UBL 2.0 messages took from UNCL 1225 for the same.
HEADER: Final = {"AB": "AB", "AP": "AP", "CA": "CA", "RE": "RE", "29": "AP", "30": "CA", "27": "RE"}

# UNCL 1229, then the UBL 2.0 code list of the same element.
LINE: Final = {
    "5": "accept",
    "3": "change",
    "7": "reject",
    "1": "add",
    "42": "accept",
    "NoStatus": "accept",
    "Revised": "change",
    "Cancelled": "reject",
    "Disputed": "reject",
    "Added": "add",
}

# What a change says of a line: the subset of UNCL 1229 that Peppol has there (and 42, a line that is done), then the UBL 2.0 code list.
CHANGE: Final = {
    "3": "change",
    "1": "add",
    "2": "cancel",
    "4": "keep",
    "74": "change",
    "42": "keep",
    "5": "keep",
    "Revised": "change",
    "Added": "add",
    "Cancelled": "cancel",
    "NoStatus": "keep",
}

ACCEPTED: Final = {"true": "AP", "false": "RE", "1": "AP", "0": "RE"}


def code(meaning: str, meanings: Mapping[str, str], said: str | None) -> str:
    """The code for `meaning`: the one that was `said` if it means that, else the first that does; else ValueError."""
    if said is not None and meanings.get(said) == meaning:
        return said
    for candidate, means in meanings.items():
        if means == meaning:
            return candidate
    raise ValueError(f"no code means {meaning}")
