"""What every other package stands on: errors, files, the console, locks, worker processes."""
