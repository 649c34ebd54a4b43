"""Long trainings in order of priority: what is wanted, what is done, and who does the rest."""
