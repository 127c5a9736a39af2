"""The gateway: Envoy, and its configuration made of the contract."""
