"""``UserSession`` and ``ClientSession``, and the accounts behind them."""
