"""The execution report as a document."""
