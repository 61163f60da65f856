"""Detection: things and where they are; its data, assignment, loss, meter, thresholds, and its part of the report."""
