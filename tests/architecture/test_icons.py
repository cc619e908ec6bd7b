"""Every icon that a declaration names is one that the sprite has: a missing one is a blank place and no error."""

from pathlib import Path

from apps.base import announcing
from apps.documents.types import TYPES

ICONS = {line.partition("#")[0].strip() for line in (Path(__file__).parents[2] / "static" / "icons.txt").read_text("utf-8").splitlines()}


def test_declared_icons_are_in_the_sprite() -> None:
    named = {state.icon for kind in TYPES.values() for state in kind.states} | {move.icon for kind in TYPES.values() for move in kind.moves}
    named |= {entry["icon"] for menu in announcing.declared("MENU") for entry in menu}
    assert named - ICONS == set()
