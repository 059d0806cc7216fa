"""`make chaos`: a real stack under seeded random faults, and the proof that nothing was lost and nothing done twice."""
