"""Questions about the plan and about promises."""

from apps.scheduling.selectors.promises import Part, Promised, parts, promised

__all__ = ["Part", "Promised", "parts", "promised"]
