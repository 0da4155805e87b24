"""The NATS transport: any NATS server with JetStream as the way in."""
