"""Engagement's news announced over NATS JetStream, partition by partition."""
