"""The vocabulary: instruments, money, market data, orders and the messages that carry them."""
