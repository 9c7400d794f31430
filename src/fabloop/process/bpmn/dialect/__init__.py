"""Models drawn for the Java engines (``camunda:`` and kin), rewritten to what we carry out."""
