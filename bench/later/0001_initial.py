from importlib import import_module

Migration = import_module("apps.procurement.migrations.0001_initial").Migration
