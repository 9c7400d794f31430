"""Whether, where and when a product can be made, at what cost - and if not, why."""
