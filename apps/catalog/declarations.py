from apps.base.text import Text

_EVERYBODY = {"buyer", "seller", "planner", "dock", "viewer", "integration"}
PERMISSIONS = {"catalog.view": _EVERYBODY, "catalog.change": {"buyer", "seller", "planner", "integration"}}
MENU = [{"code": "catalogue", "label": Text("Catalogue", "物料目录"), "url": "catalogue", "icon": "packages", "permission": "catalog.view", "order": 70}]
