"""The migrations of procurement as a later release would have them, with one column more: what an upgrade of all homes is measured by."""
