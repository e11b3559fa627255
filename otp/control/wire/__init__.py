"""What both ends exchange: commands, answers, rows; where the sockets are, and who may use them. No loop, no thread."""
