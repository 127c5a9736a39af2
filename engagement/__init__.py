"""What people did, with where each record came from."""
