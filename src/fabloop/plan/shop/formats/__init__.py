"""Public formats of scheduling problems: classic text, FJSPLib JSON, process plans with options."""
