"""Prefect settings for warm processes: what saves work on every run and loses nothing that a user sees.

They are defaults: a variable set where the worker is started, or in a deployment's job variables, comes first.
"""

from __future__ import annotations

PROCESS_SETTINGS = {
    # The client asks the server's version whenever it is built; the worker's own client has done so.
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # Libraries that would start threads of their own: several children side by side would only take turns.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_THREAD_LIMIT": "1",
    "MKL_NUM_THREADS": "1",
}
