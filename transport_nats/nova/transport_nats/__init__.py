"""The NATS transport, for NATS servers with JetStream."""
