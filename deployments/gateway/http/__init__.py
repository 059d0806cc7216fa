"""What every request meets: keys, bodies, limits, counting, problems as answers."""
