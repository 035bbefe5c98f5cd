"""What a sync changes: plain data and pure functions, read by the rules about changes and by `apply-plan`."""
