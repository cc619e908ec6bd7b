"""What the directory holds of an enterprise."""

from apps.base.announcing import Held

HELD = [
    Held(table="tenants_domain", mine="tenant_id = %(me)s", parties=("tenant_id",), left="DELETE FROM tenants_domain WHERE tenant_id = %(me)s"),
    Held(table="tenants_endpoint", mine="enterprise_id = %(me)s", parties=("enterprise_id",), left="DELETE FROM tenants_endpoint WHERE enterprise_id = %(me)s"),
]
