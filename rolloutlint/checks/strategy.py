"""RL1: the strategy of a Rollout - steps, weights, pauses, blue-green."""
