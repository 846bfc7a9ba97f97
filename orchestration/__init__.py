"""The command line and the one-machine start: it composes, it computes nothing."""
