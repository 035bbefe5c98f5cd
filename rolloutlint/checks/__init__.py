"""The checks, one module per rule family; each is a short generator declared with `@check(id)`.

A module is imported when a rule of it first has something to look at: most runs need few of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from rolloutlint.checks.context import Check, Context, check

MODULES: Mapping[str, str] = {
    "RL0": "files",
    "RL138": "dropped",
    "RL139": "dropped",
    "RL14": "defaults",
    "RL157": "final_steps",
    "RL158": "final_steps",
    "RL159": "final_steps",
    "RL15": "shares",
    "RL109": "rejections",
    "RL11": "rejections",
    "RL120": "rejections",
    "RL121": "rejections",
    "RL122": "rejections",
    "RL123": "rejections",
    "RL124": "rejections",
    "RL125": "rejections",
    "RL126": "rejections",
    "RL1": "strategy",
    "RL206": "workloads",
    "RL207": "workloads",
    "RL208": "workloads",
    "RL209": "workloads",
    "RL210": "workloads",
    "RL211": "templates",
    "RL212": "templates",
    "RL213": "autoscaling",
    "RL214": "autoscaling",
    "RL215": "plugins",
    "RL2": "references",
    "RL30": "analysis",
    "RL310": "analysis",
    "RL311": "analysis",
    "RL312": "analysis",
    "RL323": "dry_run",
    "RL324": "dry_run",
    "RL325": "dry_run",
    "RL328": "dry_run_names",
    "RL329": "dry_run_names",
    "RL330": "analysis_arguments",
    "RL331": "analysis_arguments",
    "RL332": "analysis_arguments",
    "RL333": "analysis_arguments",
    "RL334": "background",
    "RL335": "background",
    "RL336": "background",
    "RL337": "background",
    "RL338": "background",
    "RL339": "evidence",
    "RL340": "background",
    "RL345": "experiments",
    "RL346": "experiments",
    "RL347": "experiments",
    "RL342": "gates",
    "RL343": "gates",
    "RL344": "gates",
    "RL348": "policies",
    "RL349": "gates",
    "RL350": "policies",
    "RL351": "policies",
    "RL352": "gates",
    "RL317": "conditions",
    "RL3": "limits",
    "RL402": "conditions",
    "RL403": "conditions",
    "RL409": "conditions",
    "RL410": "conditions",
    "RL413": "conditions",
    "RL414": "conditions",
    "RL415": "conditions",
    "RL416": "conditions",
    "RL417": "conditions",
    "RL418": "conditions",
    "RL419": "conditions",
    "RL427": "conditions",
    "RL404": "measurement",
    "RL405": "measurement",
    "RL406": "measurement",
    "RL407": "measurement",
    "RL408": "measurement",
    "RL411": "measurement",
    "RL412": "measurement",
    "RL425": "measurement",
    "RL430": "measurement",
    "RL401": "queries",
    "RL420": "queries",
    "RL421": "queries",
    "RL422": "queries",
    "RL423": "queries",
    "RL424": "queries",
    "RL426": "queries",
    "RL429": "queries",
    "RL428": "canary_queries",
    "RL442": "provider_results",
    "RL447": "provider_results",
    "RL450": "provider_results",
    "RL451": "provider_results",
    "RL458": "provider_results",
    "RL453": "metric_jobs",
    "RL454": "metric_jobs",
    "RL455": "metric_jobs",
    "RL456": "metric_jobs",
    "RL459": "credentials",
    "RL460": "credentials",
    "RL461": "credentials",
    "RL44": "providers",
    "RL45": "providers",
    "RL46": "providers",
    "RL508": "routers",
    "RL509": "routers",
    "RL514": "router_objects",
    "RL515": "router_objects",
    "RL51": "routers",
    "RL55": "istio_rollouts",
    "RL574": "service_routes",
    "RL575": "service_routes",
    "RL576": "service_routes",
    "RL577": "service_ports",
    "RL578": "service_ports",
    "RL57": "router_steps",
    "RL58": "gateway_api",
    "RL520": "istio_destinations",
    "RL521": "istio_destinations",
    "RL522": "istio_destinations",
    "RL523": "istio_destinations",
    "RL52": "istio_virtual_services",
    "RL539": "istio_virtual_services",
    "RL538": "istio_ingress",
    "RL54": "istio_ingress",
    "RL532": "istio_subsets",
    "RL534": "istio_subsets",
    "RL535": "istio_subsets",
    "RL536": "istio_subsets",
    "RL537": "istio_subsets",
    "RL53": "istio_hosts",
    "RL5": "traffic",
    "RL606": "sync_options",
    "RL610": "sync_annotations",
    "RL611": "sync_annotations",
    "RL612": "sync_annotations",
    "RL613": "sync_annotations",
    "RL620": "app_projects",
    "RL621": "app_projects",
    "RL61": "applications",
    "RL622": "applications",
    "RL623": "applications",
    "RL624": "applications",
    "RL630": "ignores",
    "RL631": "ignores",
    "RL632": "sync_order",
    "RL634": "ignores",
    "RL635": "ignores",
    "RL636": "ignores",
    "RL637": "application_sets",
    "RL638": "application_sets",
    "RL639": "application_sets",
    "RL640": "application_sets",
    "RL6": "gitops",
}
"""Prefix of rule ids -> the module that holds their checks; of several prefixes of an id the first counts."""


def check_of(rule_id: str) -> Check[Any]:
    """The generator that implements a rule. Raises `KeyError` for an id that no check declares."""
    module = next((name for prefix, name in MODULES.items() if rule_id.startswith(prefix)), None)
    if module is None:
        raise KeyError(rule_id)
    return _declared(module)[rule_id]


def all_checks() -> Mapping[str, Check[Any]]:
    """Rule id -> the generator that implements it, in id order."""
    return dict(sorted((i, f) for module in MODULES.values() for i, f in _declared(module).items()))


@cache
def _declared(module: str) -> Mapping[str, Check[Any]]:
    functions = vars(import_module(f"rolloutlint.checks.{module}")).values()
    return {function.rule_id: function for function in functions if hasattr(function, "rule_id")}


__all__ = ["Check", "Context", "all_checks", "check", "check_of"]
