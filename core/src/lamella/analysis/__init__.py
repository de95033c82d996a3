"""Ready-made analyses: what microscopists compute every day, with pictures."""
