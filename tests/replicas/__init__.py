"""An authority and replicas that are processes of their own: what staleness is looked for in."""
