"""Run by an interpreter that has `arrowhead-client`: provider or consumer of an echo service."""

import json
import sys


def main(given):
    from arrowhead_client.client.core_system_defaults import default_config
    from arrowhead_client.client.implementations import SyncClient

    core = ("service_registry", "orchestrator", "authorization")
    config = {
        **default_config,
        **{name: {**default_config[name], "port": given["port"]} for name in core},
    }
    client = SyncClient.create(
        system_name=given["name"], address="127.0.0.1", port=given["own_port"], config=config,
        keyfile=given["key"], certfile=given["certificate"], cafile=given["trust"],
    )  # fmt: skip
    if given["role"] == "provider":

        @client.provided_service(
            service_definition="echo", service_uri="echo", protocol="HTTP", method="GET",
            payload_format="JSON", access_policy="TOKEN",
        )  # fmt: skip
        def echo(request):
            return {"echo": "ECHO"}

        client.run_forever()
        return
    client.setup()
    client.add_orchestration_rule("echo", "GET")
    answer = client.consume_service("echo")
    told = {"status": answer.status_code, "body": answer.read_json()}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
