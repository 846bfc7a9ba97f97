"""Who may do what: the table of routes and scopes, the tokens that this process knows, the gate before all routes."""
