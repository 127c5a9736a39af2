"""What people earn by what they buy."""
