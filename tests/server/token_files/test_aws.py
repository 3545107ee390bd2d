"""AWS by a file: the real boto3 renews its credentials with ID tokens that are kept fresh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from patience import PATIENCE
from server.token_files.aws_sts import ROLE, Sts
from server.token_files.keeping import text

if TYPE_CHECKING:
    from providers.oidc import OidcProvider
    from server.token_files.keeping import Keeping

# What a notebook does: it names no token and no file.
NOTEBOOK = """
import json, os, pathlib, time, boto3
sts = boto3.client("sts")
path, users, keys = pathlib.Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]), [], []
for _ in range(2):
    users.append(sts.get_caller_identity()["UserId"])
    keys.append(sts._request_signer._credentials.get_frozen_credentials().access_key)
    before = path.read_text()
    while path.read_text() == before:
        time.sleep(0.05)
print(json.dumps([users, keys]))
"""


def test_boto3_renews_its_credentials(keeping: Keeping, oidc: OidcProvider) -> None:
    oidc.ttl(AccessToken=4, IdToken=4)
    keeping.sign_in(oidc, "alice")
    text(keeping.id)
    with Sts(oidc.issuer, oidc.client_id, seconds=3) as sts:
        environment = {name: each for name, each in os.environ.items() if name[:4] != "AWS_"}
        environment |= {
            "PYTHONPATH": str(Path(sys.prefix) / "boto3"),
            "HOME": str(keeping.server.home),
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(keeping.id),
            "AWS_ROLE_ARN": ROLE,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL_STS": sts.url,
        }
        done = subprocess.run(
            [sys.executable, "-c", NOTEBOOK],
            env=environment,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    users, keys = json.loads(done.stdout)
    assert users == ["u-1001", "u-1001"]
    assert keys[0] != keys[1]
    assert len(set(sts.tokens)) > 1
    assert sts.refused == []
