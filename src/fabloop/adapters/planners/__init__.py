"""Planning engines of the library unified-planning, in an environment of their own."""
