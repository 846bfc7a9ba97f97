"""The life of a day, killed everywhere: the next run must come to what an undisturbed one comes to."""
