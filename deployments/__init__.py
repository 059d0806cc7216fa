"""What makes a run happen and keeps it going: embedded stack, worker, gateway, recovery, command line."""
