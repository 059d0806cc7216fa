"""The pages for people, below `/app`: server-rendered, each a thin layer over the functions that the API calls too."""

from deployments.gateway.web.pages import create_pages

__all__ = ["create_pages"]
