"""The Runner port: in this process, or over many."""
