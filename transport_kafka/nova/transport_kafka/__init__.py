"""The Kafka transport, for Kafka and Redpanda clusters."""
