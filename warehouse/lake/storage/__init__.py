"""Where the lake's files lie: what stores them, and what each is called there."""
