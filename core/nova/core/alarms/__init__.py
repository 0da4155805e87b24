"""The fold of alarms: a pure function of values, rules and actions, in the order of a timebase."""
