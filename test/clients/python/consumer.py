"""Uses the API with nothing but Python's standard library; prints what it saw as JSON."""

import json
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

base = sys.argv[1]


def call(method, path, body=None):
    """Sends JSON, or an empty body that claims to be JSON; gives the status and the parsed reply."""
    data = b"" if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    try:
        with urlopen(Request(base + path, data, headers, method=method)) as response:
            text = response.read()
            return response.status, json.loads(text) if text else None
    except HTTPError as error:
        return error.code, json.load(error)


_, users = call("GET", "/users?limit=2&sort=name")
_, created = call("POST", "/users", {"name": "فاطمة", "email": "fatima@example.com"})
path = f"/users/{created['id']}"
_, patched = call("PATCH", path, {"name": "Fatima Zahra"})
empty_post, _ = call("POST", "/users")
deleted, _ = call("DELETE", path)
status, problem = call("GET", path)

json.dump(
    {
        "listed": [user["name"] for user in users],
        "created": created["name"],
        "patched": patched["name"],
        "emptyPost": empty_post,
        "deleted": deleted,
        "missing": {"status": status, "code": problem["code"], "detail": problem["detail"]},
    },
    sys.stdout,
)
