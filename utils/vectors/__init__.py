"""Word vectors, however they were made: queries, files, formats."""
