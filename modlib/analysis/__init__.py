"""What paper A looks at in a network. Takes a NeuronView, returns arrays; reads no file."""
