"""What is asked of a network, made from a configuration and a seed."""
