"""What the explorer holds: the current Scene, its history, pins and preferences. No Qt."""
