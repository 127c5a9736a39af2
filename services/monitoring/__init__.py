"""What a process tells whoever watches it from outside: metrics, whether it lives, whether it serves."""
