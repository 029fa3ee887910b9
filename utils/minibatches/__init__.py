"""From token ids to what one step of a training learns from."""
