"""The Kafka transport: any Kafka or Redpanda cluster as the way in."""
