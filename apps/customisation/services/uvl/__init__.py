"""UVL (Universal Variability Language) in and out, for what both it and our models can say.

uvl.read(text, fetch) -> Read            # .model, .notes; raises Refused with line and column. fetch(path) gives imported files
uvl.write(model) -> str                  # raises Unwritable with the places in the model
"""

from apps.customisation.services.uvl.faults import Fault, Place, Refused
from apps.customisation.services.uvl.reading import Read, read
from apps.customisation.services.uvl.writing import Unwritable, write

__all__ = ["Fault", "Place", "Read", "Refused", "Unwritable", "read", "write"]
