"""Files that others made: told apart by content and read without executing any part of them."""
