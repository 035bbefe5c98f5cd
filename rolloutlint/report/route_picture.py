"""The answers of `rolloutlint route` as a picture: from the request over the rule to the versions of the pods."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rolloutlint import __version__
from rolloutlint.controllers.istio_hosts import MESH
from rolloutlint.finding import ResourceId
from rolloutlint.picture import Cluster, Edge, EdgeState, Node, NodeState, Picture, Tally, Use
from rolloutlint.report.route import ACTIONS, moment_words, percent, request_words
from rolloutlint.routes import Answer, Destination, Link

_ENDS = ("redirect", "respond", "not-found", "passthrough", "unbound")


class _Sketch:
    """Nodes and edges, each once for each answer."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.cluster = ""

    def node(self, kind: str, name: str, file: str = "", note: str = "", state: NodeState = "present") -> str:
        """The id of a node, which is made if it is new."""
        namespace, _, bare = name.rpartition("/")
        resource = ResourceId("", "", kind, namespace, bare)
        for node in self.nodes:
            if (node.cluster, node.resource, node.state) == (self.cluster, resource, state):
                return node.id
        made = f"n{len(self.nodes) + 1}"
        made_node = Node(made, state, resource, namespace, file, self.cluster, (), Tally(), (), note)
        self.nodes.append(made_node)
        return made

    def edge(self, source: str, target: str, words: str, state: EdgeState = "resolved") -> None:
        """One edge with its words; edges with the same ends share them."""
        for index, edge in enumerate(self.edges):
            if (edge.source, edge.target, edge.state) == (source, target, state):
                self.edges[index] = edge._replace(uses=(*edge.uses, Use(words, ())))
                return
        self.edges.append(Edge(f"e{len(self.edges) + 1}", source, target, state, (Use(words, ()),)))


def route_picture(answers: Sequence[Answer]) -> Picture:
    """What to draw: one cluster for each answer."""
    sketch = _Sketch()
    clusters = []
    for number, answer in enumerate(answers, 1):
        sketch.cluster = f"c{number}"
        title = request_words(answer)
        said = [moment_words(moment) for moment in answer.moments if moment.step is not None]
        clusters.append(Cluster(sketch.cluster, "environment", ", ".join((title, *said)), None))
        _draw(sketch, answer)
    return Picture(tuple(sketch.nodes), tuple(sketch.edges), tuple(clusters), (), (), Tally(), __version__)


def _file(link: Link) -> str:
    return f"{link.at.file}:{link.at.line}" if link.at else ""


def _draw(sketch: _Sketch, answer: Answer) -> None:
    door = "mesh" if answer.request.gateway == MESH else answer.request.gateway.removeprefix("/")
    here = sketch.node("request", answer.request.host, note=request_words(answer))
    if answer.request.gateway != MESH:
        link = answer.chain[0] if answer.chain else None
        gateway = sketch.node("Gateway", door, _file(link) if link else "")
        sketch.edge(here, gateway, f"port {answer.request.port}")
        here = gateway
    rule = next((link for link in answer.chain if link.kind == "rule"), None)
    for link in answer.chain:
        if link.kind in ("virtual-service", "delegate"):
            name = link.words.rpartition("VirtualService ")[2]
            service = sketch.node("VirtualService", name, _file(link))
            sketch.edge(here, service, "host" if link.kind == "virtual-service" else "delegate")
            here = service
    if rule is not None:
        step = sketch.node("rule", rule.words, _file(rule), ", ".join(_match(answer)))
        sketch.edge(here, step, ", ".join(_match(answer)) or "everything")
        here = step
    if answer.action in _ENDS:
        state: NodeState = "missing" if answer.fails else "present"
        end = sketch.node("proxy", ACTIONS[answer.action], state=state)
        sketch.edge(here, end, answer.action, "missing" if answer.fails else "resolved")
    for word, destinations in (("", answer.destinations), ("copy ", answer.mirrors)):
        for destination in destinations:
            _draw_destination(sketch, here, destination, word)


def _match(answer: Answer) -> Sequence[str]:
    return [link.words for link in answer.chain if link.kind == "match"]


def _draw_destination(sketch: _Sketch, here: str, destination: Destination, word: str) -> None:
    words = f"{word}{percent(destination.share)}"
    if destination.state != "found":
        lack: NodeState = "missing" if destination.state == "missing" else "unknown"
        name = destination.host + f" subset {destination.subset}" * bool(destination.subset)
        edge: EdgeState = "missing" if lack == "missing" else "unknown"
        sketch.edge(here, sketch.node("destination", name, note=destination.problem, state=lack), words, edge)
        return
    source = here
    for link in destination.chain:
        if link.kind in ("service", "subset", "experiment"):
            kind, _, name = link.words.partition(" ")
            if link.kind == "service":
                name = name.partition(",")[0]
            target = sketch.node(kind, name, _file(link))
            sketch.edge(source, target, words)
            source, words = target, words if link.kind == "experiment" else _next_words(destination)
    for receiver in destination.receivers:
        kind, _, name = receiver.workload.partition(" ")
        shown = f"{name} ({receiver.version})" if receiver.version else name
        pods = sketch.node(f"{kind} pods", shown, f"{receiver.at.file}:{receiver.at.line}")
        share = receiver.share if receiver.share is not None else Fraction(100)
        sketch.edge(source, pods, percent(share * destination.share / 100))
    if not destination.receivers and destination.role != "experiment":
        state: NodeState = "missing" if destination.pods == "missing" else "unknown"
        named = ", ".join(f"{key}={value}" for key, value in destination.labels) or "pods"
        ends: EdgeState = "missing" if state == "missing" else "unknown"
        sketch.edge(source, sketch.node("pods", named, state=state), percent(destination.share), ends)


def _next_words(destination: Destination) -> str:
    return f"subset {destination.subset}" if destination.subset else f"port {destination.port}"
