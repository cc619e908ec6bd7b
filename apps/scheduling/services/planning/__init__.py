"""The planner: what it is given and what it answers (`world`), and `plan`, `Planner`, `Circle`. Pure: no database, no clock."""

from apps.scheduling.services.planning.planner import Planner, in_turn, plan
from apps.scheduling.services.planning.structure import Circle, examine

__all__ = ["Circle", "Planner", "examine", "in_turn", "plan"]
