"""Training loops. They know no analysis: they call the probes that they are handed."""
