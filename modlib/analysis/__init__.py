"""What is seen in a network: arrays in, arrays out; no file is read."""
