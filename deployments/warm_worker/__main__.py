"""`python -m deployments.warm_worker --pool NAME MODULE…` runs a warm worker with its prefork master."""

from deployments.warm_worker.start_prefork_master import main

main()
