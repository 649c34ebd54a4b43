"""One neuron at a time, and the embeddings it reads."""
