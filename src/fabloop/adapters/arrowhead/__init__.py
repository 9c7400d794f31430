"""Eclipse Arrowhead local clouds, versions 4.6.2 and 5.2.1, as a server and as a client."""
