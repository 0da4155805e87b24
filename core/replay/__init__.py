"""The shard process of a batch replay: cuts a range into pieces, and reads pieces for others."""
