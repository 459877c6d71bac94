"""What keeps a model server running: slots, and the carriers that are behind them."""
