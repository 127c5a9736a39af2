"""What to show next, from sums over people that a person can be subtracted from."""
