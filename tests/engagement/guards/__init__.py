"""Every guard by an example: what goes in, and what exactly comes out."""
