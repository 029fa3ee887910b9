"""Maps, charts, heat maps, animations and pages."""
