"""What people are told of findings: which of it at once, which in a digest, and in which words."""
