"""`python -m deployments.stack.bucket_process [--versioned] INBOX RESULTS`: make the buckets of the environment's S3.

In a process of its own, so that the supervisor, which stays, need not hold an S3 client: 33 MB. The server answers
already, but perhaps not yet for its buckets.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from deployments.warm_worker.process_control import die_with_parent

_HIDDEN_FOLDERS = "RefuseFoldersThatListingsHide"
_START_SECONDS, _POLL_SECONDS = 60.0, 0.05


def main() -> int:
    """See to both buckets; the exit status, 1 with one line that says why not."""
    die_with_parent(os.getppid())
    parser = argparse.ArgumentParser(prog="python -m deployments.stack.bucket_process")
    parser.add_argument("--versioned", action="store_true")
    parser.add_argument("inbox")
    parser.add_argument("results")
    options = parser.parse_args()
    client = _client()
    try:
        _await_buckets(client, [options.inbox, options.results])
        _set_versioning(client, options.inbox, versioned=options.versioned)
        _refuse_hidden_folders(client, options.inbox)
    except (BotoCoreError, ClientError) as error:
        print(f"its buckets could not be made ({error})", file=sys.stderr)
        return 1
    return 0


def _client() -> Any:
    return boto3.client(
        "s3",
        endpoint_url=os.environ["RECEIPTFLOW_S3_ENDPOINT_URL"],
        aws_access_key_id=os.environ["RECEIPTFLOW_S3_ACCESS_KEY"],
        aws_secret_access_key=os.environ["RECEIPTFLOW_S3_SECRET_KEY"],
        region_name="us-east-1",
        config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 1}),
    )


def _await_buckets(client: Any, buckets: Sequence[str]) -> None:
    """Return once all buckets answer; make those that do not exist. A server that is gone is not waited for."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            for bucket in buckets:
                _make_unless_there(client, bucket)
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, EndpointConnectionError) or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return


def _make_unless_there(client: Any, bucket: str) -> None:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        client.create_bucket(Bucket=bucket)


def _refuse_hidden_folders(client: Any, bucket: str) -> None:
    """Have SeaweedFS refuse what it would accept and never list: it takes folders named `*.versions` for its own."""
    policy = _policy_of(client, bucket)
    if any(one.get("Sid") == _HIDDEN_FOLDERS for one in policy["Statement"]):
        return
    resource = f"arn:aws:s3:::{bucket}/*.versions/*"
    refusal = {"Sid": _HIDDEN_FOLDERS, "Effect": "Deny", "Principal": "*", "Action": ["s3:PutObject"]}
    policy["Statement"].append({**refusal, "Resource": [resource]})
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def _policy_of(client: Any, bucket: str) -> dict[str, Any]:
    try:
        policy: dict[str, Any] = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return {"Version": "2012-10-17", "Statement": []}
    return policy


def _set_versioning(client: Any, bucket: str, *, versioned: bool) -> None:
    """Once on, S3 lets it be suspended but not taken back."""
    before = client.get_bucket_versioning(Bucket=bucket).get("Status", "")
    wanted = "Enabled" if versioned else before.replace("Enabled", "Suspended")
    if wanted != before:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": wanted})


if __name__ == "__main__":
    sys.exit(main())
