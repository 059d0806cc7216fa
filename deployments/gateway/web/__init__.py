"""The pages for people, below `/app`: server-rendered, each a thin layer over the functions that the API calls too."""
