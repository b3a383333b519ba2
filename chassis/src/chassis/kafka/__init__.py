"""The real Kafka behind the ports, on aiokafka."""
