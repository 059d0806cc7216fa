"""What everything speaks of: a receipt's fields, errors, owners. Imports nothing of ours."""
