"""The steps: one folder each, nodes that call the packages and a `create_pipeline()` that strings them together."""
