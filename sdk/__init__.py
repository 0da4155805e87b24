"""What anyone outside needs to speak NOVA: events, addresses, order of messages, clients,
transports.
"""
