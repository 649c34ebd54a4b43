"""The whole network: all clusters together."""
