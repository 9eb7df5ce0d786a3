"""Behind the command line: what is typed (`options`), read (`source`, `script`), and shown."""
