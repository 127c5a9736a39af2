"""Which identifiers belong together, on what evidence, for which purpose."""
