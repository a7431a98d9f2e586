"""A server that does what no server should: the first argument says what, the others where it listens."""
import os, signal, socket, subprocess, sys, threading, time

how, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if how == "ignores-term":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if how == "daemon" and os.fork():
    sys.exit(0)
if how == "forks":
    subprocess.Popen(["sleep", "600"], start_new_session=len(sys.argv) > 4)
if how == "dies":
    sys.exit("I cannot start: no licence")
if how == "loud":
    line = ("x" * 1023 + "\n") * 1024
    threading.Thread(target=lambda: [sys.stdout.write(line) for _ in range(1024)], daemon=True).start()
if how == "panics":
    print("panic: index out of range", flush=True)


def serve(connection):
    with connection:
        asked = connection.recv(65536)
        if asked.startswith(b"GET /ready"):  # otherwise the run would wait for it to answer
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        elif how == "garbage":
            connection.sendall(os.urandom(4096).replace(b"\n", b"") + b"\r\n\r\n")
        elif how == "flood":
            while True:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n" + b"x" * 65536)
        elif how == "silent":
            time.sleep(600)
        elif how == "half-close":
            connection.shutdown(socket.SHUT_WR)
            time.sleep(600)
        elif asked.startswith(b"GET"):
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n")


listener = socket.create_server((address, port))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
