<nonexistent-entry/sub>
