"""What the seller's desk contributes: what it reacts to."""

from apps.documents.services import Moved

REACTIONS = {Moved: ["apps.orders.services.answer_promised"]}
