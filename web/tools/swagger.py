"""Prints the service's `swagger.json`, so that the pages are built against the API of this checkout."""

import sys

from server.api.document import swagger
from server.api.responses import json_bytes
from server.app import NAMESPACES, frame
from server.settings import Settings

app = frame(Settings(), NAMESPACES)
with app.test_request_context():
    sys.stdout.buffer.write(json_bytes(swagger(app.extensions["daocun.api"])))
