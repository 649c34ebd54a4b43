"""What a network is trained on and how: frozen, validated when made, hashed for the store."""
