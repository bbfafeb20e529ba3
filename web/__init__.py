"""The service as the outside meets it over HTTP: signed webhooks, health, and later pages."""
