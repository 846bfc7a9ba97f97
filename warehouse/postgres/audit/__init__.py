"""The audit log: each change, by whom, in the transaction of the change. It only grows."""
