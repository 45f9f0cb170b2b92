"""What Countersign answers over HTTP."""
