"""Verification of BPMN drawings: any diagram of flow, be it fit to be carried out or not."""
