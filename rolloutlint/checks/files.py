"""RL0: files, YAML and schema."""
