"""What the analyses need of any network."""
