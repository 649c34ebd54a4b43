"""Paper A's network: the readable loop, and two that equal it and are faster."""
