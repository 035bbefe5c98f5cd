"""Plans made by hand, one for each thing that `apply-plan` can say, also with names that attack their readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rolloutlint.change.result import (
    Action,
    ApplicationPlan,
    Classification,
    Effect,
    FieldChange,
    Reason,
    RolloutChange,
    Stage,
    SyncPlan,
    Task,
    Wait,
)
from rolloutlint.finding import DocumentId, Place, ResourceId, Span
from tests.report.samples import NASTY_NAMES, finding, incomplete
from tests.report.simulations import HOSTILE, MINUTE, canary, hostile, person

SHOP = ResourceId("argoproj.io", "v1alpha1", "Application", "argocd", "shop")
CART = ResourceId("argoproj.io", "v1alpha1", "Rollout", "shop", "cart")
ROUTES = ResourceId("networking.istio.io", "v1", "VirtualService", "shop", "cart")
SERVICE = ResourceId("", "v1", "Service", "shop", "cart")
JOB = ResourceId("batch", "v1", "Job", "shop", "announce")
IMAGE = FieldChange("spec.template.spec.containers[cart].image", '"shop/cart:1.4.2"', '"shop/cart:1.5.0"')


def task(action: Action, resource: ResourceId, *changes: FieldChange, **other: Any) -> Task:
    return Task(action, resource, Place(DocumentId(f"apps/{resource.name}.yaml", 0)), changes, **other)


def new_revision() -> RolloutChange:
    return RolloutChange(
        "new-revision", (IMAGE,), False, canary(), ("5 %", "20 %", "50 %", "100 %"), 34 * MINUTE, (), ()
    )


def gated() -> RolloutChange:
    return RolloutChange(
        "new-revision",
        (IMAGE,),
        True,
        person(),
        ("20 %", "60 %", "100 %"),
        6 * MINUTE,
        ("pause of step 2", "pause of step 5"),
        ("the number of replicas is that of the autoscaler",),
    )


def application(*stages: Stage, name: str = "shop", **other: Any) -> ApplicationPlan:
    values: dict[str, Any] = {
        "application": SHOP._replace(name=name),
        "place": Place(DocumentId(f"argocd/{name}.yaml", 0)),
        "namespace": "shop",
        "cluster": "https://kubernetes.default.svc",
        "policy": ("automated", "self-heal", "prune"),
        "starts": ("Rollout shop/cart is out of sync",),
    }
    return ApplicationPlan(**{**values, "stages": stages, **other})


def plan(*applications: ApplicationPlan, **other: Any) -> SyncPlan:
    values: dict[str, Any] = {
        "previous": "git:origin/main",
        "desired": ".",
        "mode": "git",
        "introduced": (),
        "fixed": (),
        "unchanged": (),
        "incomplete": (),
        "verdict": "allow",
        "reasons": (),
        "tool_version": "0.1.0",
    }
    return SyncPlan(**{**values, "applications": applications, **other})


def review() -> SyncPlan:
    """An image bump with a PostSync hook behind it: the sketch of the whole command."""
    latency = ResourceId("argoproj.io", "v1alpha1", "AnalysisTemplate", "shop", "latency")
    limit = FieldChange("spec.metrics[0].failureLimit", "1", "2")
    replicas = FieldChange("spec.replicas", "5", "10")
    sync = Stage(
        "Sync",
        0,
        (
            (task("unchanged", SERVICE), task("unchanged", SERVICE._replace(name="cart-canary"))),
            (task("update", latency, limit),),
            (task("update", CART, IMAGE, replicas, rollout=new_revision()),),
            (task("unchanged", ROUTES, notes=("unchanged in Git; applied again all the same",)),),
        ),
        (Wait(CART, "until it is promoted", 34 * MINUTE),),
    )
    after = Stage("PostSync", 0, ((task("hook", JOB),),), (), 34 * MINUTE)
    edited = finding(
        "RL806",
        severity="warning",
        file="apps/cart.yaml",
        message="`cart` gets a new version and new steps in one change",
        consequence="The new steps already apply to this version.",
        remedy="Change the steps first if they are to be tried with the old version.",
        lines={12: "      - setWeight: 5"},
        span=Span(12, 9, 12, 21),
    )
    kept = Effect(ROUTES, "spec.http[0].route[0].weight", "kept", "The weights are ignored and stay as they are")
    reason = Reason("review", "RL806 is a warning", "new-warnings", edited)
    return plan(
        application(sync, after, effects=(kept,)),
        introduced=(edited,),
        fixed=(finding(number=1), finding(number=2)),
        unchanged=tuple(finding(number=n) for n in range(3, 8)),
        verdict="review",
        reasons=(reason,),
    )


def block() -> SyncPlan:
    """Everything that goes wrong at once: prunes, resets, frozen lists, a person to wait for, inputs that are lost."""
    old = ResourceId("", "v1", "ConfigMap", "shop", "cart-7f9")
    volume = ResourceId("", "v1", "PersistentVolumeClaim", "shop", "cart")
    typo = ResourceId("batch", "v1", "Job", "shop", "migrate")
    many = tuple(FieldChange(f"spec.http[{n}].timeout", '"5s"', '"10s"') for n in range(12))
    sync = Stage(
        "Sync",
        0,
        (
            (task("prune", old), task("keep", volume, notes=("kept: Prune=false",))),
            (task("create", SERVICE),),
            (task("update", CART, IMAGE, rollout=gated()),),
            (task("update", ROUTES, *many, FieldChange("spec.gateways", None, '["mesh"]')),),
            (task("ignore", typo, notes=("no hook is called `Presync`: it is never applied",)),),
        ),
        (Wait(CART, "until a person resumes it at step 2", 6 * MINUTE, True),),
    )
    later = Stage("Sync", 2, ((task("create", JOB),),), (), 6 * MINUTE, True)
    broken = finding("RL804", message="`cart-7f9` is pruned while the stable pods still mount it")
    return plan(
        application(
            sync,
            later,
            policy=("automated",),
            starts=(),
            obstacles=("an operation is running", "only ignored fields differ"),
            effects=(
                Effect(ROUTES, "spec.http[0].route[0].weight", "reset", "40 and 60 become 100 and 0 for a moment"),
                Effect(ROUTES, "spec.http[0].name", "lost", "The header route `cart-header` goes for good"),
                Effect(ROUTES, "spec.http", "frozen", "The change of the timeout is not applied"),
                Effect(CART, "spec.replicas", "removed-again", "The autoscaler writes it again"),
            ),
            notes=("`syncPolicy.retry` is not simulated",),
        ),
        mode="live",
        previous="live.yaml",
        introduced=(broken,),
        incomplete=(incomplete("charts/web"), incomplete("live.yaml", "unreadable", message="ends early", lost=True)),
        verdict="block",
        reasons=(
            Reason("block", "RL804 is an error", "new-errors", broken),
            Reason("review", "Rollout shop/cart waits for a person", "indefinite-wait"),
        ),
    )


def classified(classification: Classification, certain: bool = True) -> SyncPlan:
    """One Rollout of a classification, without a simulation."""
    change = RolloutChange(classification, (IMAGE,), certain, None)
    stage = Stage("Sync", 0, ((task("update", CART, IMAGE, rollout=change),),))
    return plan(application(stage))


def quiet() -> SyncPlan:
    """Nothing changes."""
    return plan(application(Stage("Sync", 0, ((task("unchanged", CART), task("unchanged", SERVICE)),)), starts=()))


def unnamed() -> SyncPlan:
    """No Application among the inputs."""
    stage = Stage("Sync", 0, ((task("create", CART, rollout=RolloutChange("initial", (), True, canary())),),))
    alone = application(stage, application=None, place=None, namespace="", cluster="", policy=(), starts=())
    return plan(alone)


def fleet(number: int = 40) -> SyncPlan:
    """Many Applications, of which one changes."""
    quiet_ones = quiet().applications[0]
    name = [f"shop-{n}" for n in range(number)]
    others = [quiet_ones._replace(application=SHOP._replace(name=each)) for each in name]
    return plan(*others, *review().applications)


def large() -> SyncPlan:
    """More of everything than a comment can hold."""
    stages = [
        Stage("Sync", n, ((task("update", CART._replace(name=f"cart-{n}"), IMAGE, rollout=new_revision()),),))
        for n in range(400)
    ]
    return plan(
        *(application(*stages, name=f"shop-{n}") for n in range(4)),
        introduced=tuple(finding(file=f"apps/{n}.yaml", message="m" * 110, number=n) for n in range(400)),
        verdict="block",
        reasons=tuple(Reason("block", f"{n} is wrong", "new-errors") for n in range(300)),
    )


def _nasty_tasks(names: Sequence[str]) -> tuple[Task, ...]:
    change = new_revision()
    return tuple(
        task(
            "update",
            CART._replace(name=name, namespace=name),
            FieldChange(name, name, name),
            rollout=change._replace(
                reasons=(FieldChange(name, name, None),),
                simulation=hostile(),
                stairs=(name,),
                gates=(name,),
                notes=(name,),
            ),
            notes=(name,),
        )
        for name in names
    )


def nasty() -> SyncPlan:
    """Every hostile name everywhere."""
    names = (*NASTY_NAMES, HOSTILE)
    made = _nasty_tasks(names)
    apps = [
        application(
            Stage("Sync", 0, (made,), (Wait(CART._replace(name=name), name, None, True),)),
            Stage("PostSync", 0, (made,), (), 0, True),
            name=name,
            application=SHOP._replace(name=name, namespace=name),
            namespace=name,
            cluster=name,
            policy=(name,),
            starts=(name,),
            obstacles=(name,),
            notes=(name,),
            effects=(Effect(CART._replace(name=name), name, "lost", name),),
        )
        for name in names
    ]
    found = tuple(
        finding(file=f"{name}.yaml", message=f"`{name}` is here", about=CART._replace(name=name), number=n)
        for n, name in enumerate(names)
    )
    return plan(
        *apps,
        previous=HOSTILE,
        desired=HOSTILE,
        introduced=found,
        incomplete=tuple(incomplete(name, message=name, lost=True) for name in names),
        verdict="block",
        reasons=tuple(Reason("block", name, name) for name in names),
    )


ALL = {
    "review": review(),
    "block": block(),
    "quiet": quiet(),
    "unnamed": unnamed(),
    "fleet": fleet(),
    "empty": plan(),
    "nasty": nasty(),
    "steps-reset": classified("steps-reset", False),
    "rollback-to-stable": classified("rollback-to-stable"),
}
