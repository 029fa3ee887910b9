"""What the commands at the top share."""
