"""The client that goes with it, in another terminal: `python 02_raw_client.py`"""

import socket

client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
client.connect(("127.0.0.1", 12345))
print(client.recv(1024))
client.close()
