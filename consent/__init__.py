"""What a person allowed, for which purpose, and since when."""
