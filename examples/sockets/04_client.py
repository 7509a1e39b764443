"""The same client on kolben.net.  Each of the two clients speaks to each of the two servers: bytes are bytes."""

from kolben import net

with net.connect("127.0.0.1:12345") as stream:
    print(stream.recv(1024))
