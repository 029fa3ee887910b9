"""How good vectors are: word similarity, analogies, sentiment, and how stable their neighbours."""
