"""PromQL as Prometheus reads it: a parser with exact spans, and what a query can return."""
