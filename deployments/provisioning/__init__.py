"""What a stack stands on and is configured with: database, buckets, work pool, blocks, deployments."""
