"""The muffin bakery as a story: its documents, its devices behind HTTP, its week."""
