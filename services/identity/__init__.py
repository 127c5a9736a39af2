"""IdentityService and what stands beside it: births, the ledger's one writer, keys, people, rules."""
