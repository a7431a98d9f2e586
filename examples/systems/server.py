"""A register server in a few lines: n1 keeps the registers in a log that it syncs, the others pass on what they are asked.

With STALE=1 the others answer a read with what they saw last, which is a lie as soon as somebody else writes.
"""
import json, os, socket, socketserver, sys

address, port, first = sys.argv[1], int(sys.argv[2]), sys.argv[3]
stale = os.environ.get("STALE") == "1"
registers, seen = {}, {}
if address == first:
    log = open("data/log", "a+")
    log.seek(0)
    for line in log:
        if line.endswith("\n"):
            key, value = json.loads(line)
            registers[key] = value


def store(key, value):
    log.write(json.dumps([key, value]) + "\n")
    log.flush()
    os.fsync(log.fileno())
    registers[key] = value
    return ["ok", value]


def answer(request):
    what, key, *rest = request
    if what == "get":
        return ["ok", registers.get(key)]
    if what == "cas" and registers.get(key) != rest[0]:
        return ["no", registers.get(key)]
    return store(key, rest[-1])


def pass_on(line):
    request = json.loads(line)
    if stale and request[0] == "get" and request[1] in seen:
        return json.dumps(["ok", seen[request[1]]])
    try:
        with socket.create_connection((first, port), timeout=1) as connection:
            connection.sendall(line)
            reply = connection.makefile().readline()
    except OSError:
        return ""  # whoever asked learns that nobody knows
    if reply:
        seen[request[1]] = json.loads(reply)[1]
    return reply


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            reply = json.dumps(answer(json.loads(line))) if address == first else pass_on(line)
            if not reply:
                return
            self.wfile.write(reply.strip().encode() + b"\n")


class Server(socketserver.TCPServer):
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass  # whoever asked has gone away


if address == first:  # one at a time, so that each operation takes effect at once

    class Handler(Handler):
        timeout = 1

        def handle(self):
            line = self.rfile.readline()
            if line:
                self.wfile.write(json.dumps(answer(json.loads(line))).encode() + b"\n")

else:

    class Server(socketserver.ThreadingMixIn, Server):
        daemon_threads = True


with Server((address, port), Handler) as server:
    print("listening", flush=True)
    server.serve_forever()
