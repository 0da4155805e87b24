"""What tests need to run against real parts: brokers that are found or started."""
