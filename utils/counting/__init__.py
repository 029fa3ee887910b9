"""Co-occurrence counts and the vectors made from them."""
