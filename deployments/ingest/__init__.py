"""The ways in beside the API: bucket events, files of this machine; and what is received becomes a flow run."""
