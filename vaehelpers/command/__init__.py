"""Behind the command line: what is read of a file (`source`, `script`), and shown (`terminal`)."""
