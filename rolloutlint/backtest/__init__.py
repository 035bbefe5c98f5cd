"""What the measurements of an analysis would have been last week: the only package that talks to a network."""
