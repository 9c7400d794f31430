"""A story on real wires: its machines are processes that are commanded, read and measured."""
