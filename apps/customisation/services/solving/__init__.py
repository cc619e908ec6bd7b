"""The configurator's engine: pure, exact, without tables.

engine = solving.engine(model)             # compiled once for equal models, kept in this process; raises Faulty with the places
engine.session(choices) -> Session         # what can still be chosen; raises Unfit for what the model does not know
engine.why(choices, feature, value) -> Reason | None    # why a value is grey, and the least change that would allow it
engine.completed(choices) -> Choices       # a whole product with these choices, as plain as possible; raises Contradictory
engine.price(choices) -> Price             # of what is decided by these choices; raises formulas.Broken
solving.faults(model) -> tuple[Fault, ...] # what is wrong with a model, the warnings too
"""

from apps.customisation.services.solving.domains import Limits
from apps.customisation.services.solving.engine import Engine, engine, forget
from apps.customisation.services.solving.model import (
    Attributes,
    Change,
    Choices,
    Contradictory,
    Fault,
    Faulty,
    Feature,
    Model,
    Offer,
    Option,
    OutOfTime,
    Price,
    Reason,
    Rule,
    Session,
    Table,
    Unfit,
    Value,
)
from apps.customisation.services.solving.proving import faults

__all__ = [
    "Attributes",
    "Change",
    "Choices",
    "Contradictory",
    "Engine",
    "Fault",
    "Faulty",
    "Feature",
    "Limits",
    "Model",
    "Offer",
    "Option",
    "OutOfTime",
    "Price",
    "Reason",
    "Rule",
    "Session",
    "Table",
    "Unfit",
    "Value",
    "engine",
    "faults",
    "forget",
]
