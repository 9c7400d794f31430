"""One kernel for BPMN and coloured Petri nets: frames, acts, deltas; it knows no factory."""
