"""The same server on kolben.net: one address, and `with` closes what it opened, whatever happens in between."""

from kolben import net

for stream in net.listen("127.0.0.1:12345"):
    with stream:
        print("Got connection from", stream.peer_address, flush=True)
        stream.send(b"Thank you for connecting")
