"""What one run does with one receipt: its steps, their durability and retries, and what it shows people."""
