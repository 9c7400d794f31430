"""Apps that come with the runtime."""
