"""What is to be told of findings, and the messages on their way: the outbox of alerts."""
