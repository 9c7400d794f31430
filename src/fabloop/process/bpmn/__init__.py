"""BPMN 2.0: the model, its XML with diagram interchange, and its compilation for the kernel."""
