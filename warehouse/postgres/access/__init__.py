"""Who may do what: machines' tokens."""
