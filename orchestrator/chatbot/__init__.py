"""What answers members' questions before a person does."""
