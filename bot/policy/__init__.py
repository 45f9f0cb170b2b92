"""What the organisation demands: parsed, checked, layered, and then frozen."""
