"""The settings of one run, as every layer sees them: frozen, complete, already validated.

`rolloutlint.config` makes them from defaults, the configuration file and flags; nothing else does.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from rolloutlint.finding import Severity

NoData = Literal["any", "fail", "pause", "pass"]

PlanEvent = Literal[
    "new-errors",
    "new-warnings",
    "prune-rollout",
    "prune-service",
    "strategy-switch",
    "indefinite-wait",
    "any-prune",
    "new-revision",
    "lost-input",
]
"""What a plan can be reviewed or blocked for. `prune-service`: of a Service that a Rollout uses; `indefinite-wait`: for
a person or for ever, in an automated Application."""


class Version(NamedTuple):
    """Major and minor release of a product; `Version(1, 9) <= Version(1, 10)`."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Targets(NamedTuple):
    """The product versions that findings speak about. Defaults: the newest stable ones (2026-11)."""

    rollouts: Version = Version(1, 9)
    argocd: Version = Version(3, 5)
    istio: Version = Version(1, 31)
    prometheus: Version = Version(3, 14)


class Waiver(NamedTuple):
    """Findings accepted in the configuration: which resources and rules, why, and until when."""

    rules: tuple[str, ...]
    reason: str
    kind: str = "*"
    namespace: str = "*"
    name: str = "*"
    path: str = ""
    """A glob on the file; empty matches every file."""
    expires: str = ""
    """ISO date, the last day on which the waiver holds; empty means for ever."""
    line: int = 0
    column: int = 0
    """Where it stands in the configuration file, for findings about the waiver itself."""
    end_line: int = 0
    end_column: int = 0
    """The end of its first line there (exclusive)."""


class Override(NamedTuple):
    """Settings for files that match `paths` (globs relative to the configuration file)."""

    paths: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    severity: tuple[tuple[str, Severity], ...] = ()


class PlanPolicy(NamedTuple):
    """What decides about a plan."""

    block_on: tuple[PlanEvent, ...] = ("new-errors",)
    review_on: tuple[PlanEvent, ...] = (
        "new-warnings",
        "prune-rollout",
        "prune-service",
        "strategy-switch",
        "indefinite-wait",
    )
    """What asks for a review where nothing blocks."""


class Settings(NamedTuple):
    """Everything that decides what a run reports."""

    profile: str = "recommended"
    select: tuple[str, ...] = ()
    """Rule ids, names or prefixes (`RL1`, `ALL`) that run in place of the profile's; empty: the profile's."""
    extend_select: tuple[str, ...] = ()
    """The same, but besides the profile's."""
    ignore: tuple[str, ...] = ()
    severity: tuple[tuple[str, Severity], ...] = ()
    """(rule id or prefix, severity); the last match wins."""
    fail_on: Severity = "error"
    exit_zero: bool = False
    closed: bool = False
    """The inputs are everything there is: what they lack is missing."""
    targets: Targets = Targets()
    no_data: NoData = "any"
    max_pause: float | None = None
    """Longest pause a step may have, in seconds; `None` sets no limit, as in the other policies."""
    max_first_share: Fraction | None = None
    """Largest share (0 to 1) that a new version may have before a pause or analysis first looks at it."""
    max_exposure: Fraction | None = None
    """Largest exposure to a version that fails every measurement, in percent-minutes: 20 % for 5 minutes are 100."""
    min_evidence: int | None = None
    """Smallest number of successful measurements on any way to promotion."""
    max_time_to_detect: float | None = None
    """Longest time from a version that fails every measurement to its abort, in seconds."""
    max_duration: float | None = None
    """Longest time that a release may take from its start to promotion, in seconds."""
    scrape_interval: float | None = None
    """How often Prometheus scrapes the workloads, in seconds; `None` where nobody said."""
    plan: PlanPolicy = PlanPolicy()
    """What `apply-plan` makes of a plan."""
    exclude: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    config_file: str = ""
    """Display path of the configuration file; empty where none was found."""
    today: str = ""
    """ISO date used for expiry; given from outside because pure code has no clock."""
    inline_suppressions: bool = True
