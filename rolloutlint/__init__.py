"""rolloutlint: what your Argo Rollouts will really do, before Argo CD syncs them."""

__version__ = "0.1.0"
