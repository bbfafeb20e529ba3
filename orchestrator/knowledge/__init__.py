"""The knowledge base: articles, and the folder they are kept in."""
