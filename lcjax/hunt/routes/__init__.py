"""The addresses of the app, one module a subject."""
