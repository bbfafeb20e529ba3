"""The built-in desk: agents without a contact centre, over our own tables."""
