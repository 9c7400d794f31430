"""fabloop closes the loop of a digital factory: plan, run, sense, adapt."""

__version__ = "0.1.0"

__all__ = ["__version__"]
