"""Writes results/show_calibration.csv: what ``modlib show`` sees in 200 random networks of each
layout, and in planted ones. Some minutes."""

from modlib.results.show_calibration import write_calibration

NUM_RANDOM = 200

if __name__ == "__main__":
    print(write_calibration(NUM_RANDOM))
