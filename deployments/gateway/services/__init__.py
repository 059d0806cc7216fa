"""What the routes work with: storing, asking Prefect, noticing changes, sending webhooks."""
