"""Machine scheduling in general: tasks with modes, resources, precedence, alternatives."""
