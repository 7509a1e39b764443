"""The first server of every book: bind, listen, accept, say who came, thank them.  `python 01_raw_server.py`"""

import socket

server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 12345))
server.listen(5)
while True:
    connection, address = server.accept()
    print("Got connection from", address, flush=True)
    connection.sendall(b"Thank you for connecting")
    connection.close()
