"""One append-only log of who asked what about whom: leaves, tree, signed heads, offline proof."""
