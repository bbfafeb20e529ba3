"""The service over hours: members come, talk and go at a steady rate, and nothing is lost, doubled or kept."""
