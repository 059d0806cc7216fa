"""Categories: made, renamed, merged, archived."""
