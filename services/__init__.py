"""Everything that touches the network, a disk, a clock or an environment variable."""
