"""How good vectors are: word similarity, analogies, sentiment."""
