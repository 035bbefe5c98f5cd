"""RL6: GitOps - Application, ignoreDifferences, sync options."""
