"""What is done with figures: kept per machine, printed, written into the documents, drawn, and held against limits."""
