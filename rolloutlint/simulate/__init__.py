"""What a rollout will do: stages, every ending, evidence, time to detect and exposure."""
