"""AuditService: the one log of all services' records."""
