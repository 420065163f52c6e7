"""Speed and recall of the memory service, beside simple stores in the same run."""
