"""Commands in comments: one table, from which the parser, the help, the documentation and the permission check come."""
