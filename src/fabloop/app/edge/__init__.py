"""The edge: apps beside the machines, a process for each group of them, looked after from afar."""

from fabloop.app.edge.app import Bulk, Lane, Manifest, Message, Outbox, Output, Window

__all__ = ["Bulk", "Lane", "Manifest", "Message", "Outbox", "Output", "Window"]
