"""What a flow is configured with: Prefect block classes."""
