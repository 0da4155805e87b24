"""The shard process of a batch replay: splits a range into pieces and reads pieces on request."""
