"""The routes of the HTTP API, a module for each kind of thing, and the models that they answer with."""
