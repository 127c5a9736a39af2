"""What is kept no longer than its limit, and the record of what is processed."""
