"""The reader process: query, play back, follow, discover."""
