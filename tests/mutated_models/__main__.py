"""``make test-models-mutated``: how many faults, one after the other in each model and check, the unit tests notice."""

import sys

from tests.mutated_models.run import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
