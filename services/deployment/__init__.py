"""One deployment: its configuration, its programs, and the suite put together."""
