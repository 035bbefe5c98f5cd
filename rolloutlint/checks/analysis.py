"""RL3: the life of an analysis - arguments, counts, limits."""
