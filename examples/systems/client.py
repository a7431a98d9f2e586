"""A client of one's own: answers JSON lines. The process is one writer; whatever it cannot tell for certain is "info"."""
import json, os, socket, sys

host, port = os.environ["SCHISM_ADDRESS"].rsplit(":", 1)


def ask(invoke):
    f, key, value = invoke["f"], invoke["key"], invoke.get("value")
    request = {"read": ["get", key], "write": ["set", key, value]}.get(f) or ["cas", key, *value]
    try:
        connection = socket.create_connection((host, int(port)), timeout=invoke["deadline_ms"] / 1000)
    except OSError as error:
        return {"type": "fail", "error": str(error)}  # nothing was sent
    try:
        with connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            reply = connection.makefile().readline()
        said, found = json.loads(reply)
    except (OSError, ValueError) as error:
        return {"type": "info", "error": str(error)}  # it may have happened
    if said == "ok":
        return {"type": "ok", "value": found}
    return {"type": "fail", "error": [22, f"found {found}"]}


for line in sys.stdin:
    invoke = json.loads(line)
    print(json.dumps({"id": invoke["id"], **ask(invoke)}), flush=True)
