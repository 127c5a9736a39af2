-- Retention finds by age what was answered and what was refused.
CREATE INDEX request_by_age ON request (done_at_ms);
CREATE INDEX edge_refused ON edge (stated_at_ms) WHERE state = 3;
