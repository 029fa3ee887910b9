"""From text to token ids: sources, reading, the cache, and the texts that the project brings or fetches."""
