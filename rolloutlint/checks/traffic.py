"""RL5: traffic - what the VirtualService and DestinationRule of a Rollout must hold."""
