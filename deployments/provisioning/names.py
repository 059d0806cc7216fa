"""What is provisioned is called so; apart, because who only needs a name should not load Prefect."""

POOL = "receipts"
