"""The paths of the API."""

from __future__ import annotations

PATHS = {name: f"/api/v1/{name}" for name in ("findings", "resources", "summary", "coverage")}
OPENAPI_PATH = "/api/v1/openapi.json"
