"""What `rolloutlint route` shows: where one request goes, link by link, each with its place in a file.

Plain data, made from the resolution model of `controllers.istio_routing` over the loaded objects, as they stand or with
what the Rollouts have written at one step; `report.route` renders it. What the inputs cannot tell is listed as unknown.
"""

from rolloutlint.routes.answer import Answer, Destination, Link, Location, Moment, Question, Receiver
from rolloutlint.routes.asking import answers

__all__ = ["Answer", "Destination", "Link", "Location", "Moment", "Question", "Receiver", "answers"]
