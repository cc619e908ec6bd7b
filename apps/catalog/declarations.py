_EVERYBODY = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
PERMISSIONS = {"catalog.view": _EVERYBODY, "catalog.change": {"buyer", "seller", "planner", "integration"}}
