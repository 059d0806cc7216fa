"""The gateway: the HTTP API through which receipts come in and expenses go out, and the pages for people."""
