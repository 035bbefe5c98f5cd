"""RL2: what a Rollout names - Services, selectors, templates, probes."""
