"""The agent's use cases: claim, plan, perform, judge, report; they see ports only."""
