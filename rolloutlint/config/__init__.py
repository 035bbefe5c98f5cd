"""Configuration: finds, checks and merges settings, and says which rules run and why."""

from __future__ import annotations

from rolloutlint.config.find import find_config
from rolloutlint.config.load import ConfigFile, check_profile, check_selectors, load_config
from rolloutlint.config.merge import merge, origins
from rolloutlint.config.plan import Decision, RulePlan, decisions, plan
from rolloutlint.config.show import show
from rolloutlint.config.values import parse_count, parse_exposure, parse_release, parse_seconds, parse_share

__all__ = [
    "ConfigFile",
    "Decision",
    "RulePlan",
    "check_profile",
    "check_selectors",
    "decisions",
    "find_config",
    "load_config",
    "merge",
    "origins",
    "parse_count",
    "parse_exposure",
    "parse_release",
    "parse_seconds",
    "parse_share",
    "plan",
    "show",
]
