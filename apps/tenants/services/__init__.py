"""Verbs of enterprises: provision a home, act in it, bring all homes up to date; take one out in a file, bring it in, let it leave."""

from apps.base.acting import act_as, as_operator, in_lobby
from apps.tenants.services.exporting import export
from apps.tenants.services.importing import Arrived, Unimportable, bring_in
from apps.tenants.services.leaving import Closed, Leaving, offboard
from apps.tenants.services.provisioning import (
    OWNER,
    PROFILE,
    Provisioned,
    begin_epoch,
    provision,
    resume,
    save_endpoints,
    save_profile,
    suspend,
)
from apps.tenants.services.upgrading import Upgraded, upgrade

__all__ = [
    "OWNER", "PROFILE", "Arrived", "Closed", "Leaving", "Provisioned", "Unimportable", "Upgraded", "act_as", "as_operator", "begin_epoch", "bring_in", "export",
    "in_lobby", "offboard", "provision", "resume", "save_endpoints", "save_profile", "suspend", "upgrade",
]  # fmt: skip
