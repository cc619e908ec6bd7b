"""One victim for all tests of a process."""

from __future__ import annotations

import pytest

from tests import seeds
from tests.attacks import scene as stage
from tests.attacks.scene import Scene
from tests.attacks.striking import Attacker


@pytest.fixture(scope="session")
def scene(database: None) -> Scene:
    """The victim and those who want what it has. Nothing that a test does may change the victim."""
    return stage.assemble()


@pytest.fixture(scope="session")
def attackers(scene: Scene) -> list[Attacker]:
    """The stranger, and the neighbour who is a partner."""
    return [Attacker.make(scene.stranger, scene, partner=False), Attacker.make(scene.neighbour, scene, partner=True)]


@pytest.fixture
def seed() -> int:
    """Printed, and given again by the environment variable SEED."""
    return seeds.fresh()
