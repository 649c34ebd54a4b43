"""Other people's networks."""
