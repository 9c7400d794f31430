"""OpenAPI documents of a small bakery, as its providers would write them."""

from fabloop.services.descriptions import read

OVEN = b"""
openapi: 3.1.0
info: {title: Tunnel oven, version: "2.1", description: Bakes muffins in batches.}
servers: [{url: "http://127.0.0.1:9/{line}/", variables: {line: {default: north}}}]
x-fabloop:
  service: oven
  system: tunnel-oven
  context: [food, cooking]
  place: {name: Modena, latitude: 44.647, longitude: 10.925}
paths:
  /slowdown:
    get:
      operationId: slowdown
      summary: How much longer heating takes than expected.
      x-fabloop: {equipment: [oven], verb: slow-down}
      responses:
        "200":
          description: The delay
          content:
            application/json:
              schema:
                type: object
                required: [delay]
                properties:
                  delay: {type: number, minimum: 0, x-fabloop: {concept: delay, unit: "%"}}
  /bake/{batch}:
    parameters:
      - {name: batch, in: path, required: true, schema: {type: string}}
    post:
      operationId: bake
      x-fabloop:
        equipment: [oven]
        verb: bake
        requires: ["prepared(?batch)", "not overcooked(?batch)"]
        effects: ["baked(?batch)", {fluent: door, arguments: [oven], value: closed}]
        cost: 12.50 EUR
        duration: 25 min
        compensation: discard
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: "#/components/schemas/Baking"}}
      responses: {"202": {description: begun}}
  /batches/{batch}:
    delete:
      operationId: discard
      parameters:
        - {name: batch, in: path, required: true, schema: {type: string}}
      x-fabloop: {verb: discard}
      responses: {"204": {description: gone}}
components:
  schemas:
    Baking:
      type: object
      required: [temperature, pieces]
      properties:
        temperature: {type: number, x-fabloop: {concept: temperature, unit: "\xc2\xb0C"}}
        pieces: {type: integer, x-fabloop: {concept: quantity, unit: pieces}}
        program: {type: [string, "null"], enum: [soft, crisp, null]}
"""

PLAIN = b"""{
 "openapi": "3.0.3",
 "info": {"title": "Parcel Tracker", "version": "1"},
 "servers": [{"url": "https://example.org/v1"}],
 "paths": {
  "/shipments/{trackingNumber}": {
   "get": {
    "tags": ["shipping"],
    "summary": "Where a shipment is now",
    "parameters": [{"name": "trackingNumber", "in": "path", "required": true,
                    "schema": {"type": "string"}}],
    "responses": {"200": {"description": "ok", "content": {"application/json": {
      "schema": {"$ref": "#/components/schemas/Node"}}}}}}}},
 "components": {"schemas": {"Node": {
   "type": "object", "required": ["name"],
   "properties": {"name": {"type": "string", "nullable": true},
                  "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}}}}
}"""


def described(document: bytes):
    """Return the service that a document describes."""
    return read("document", document).service
