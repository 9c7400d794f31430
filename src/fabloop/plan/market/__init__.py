"""The marketplace: blind questions between tenants, quotations, comparison, contracts."""
