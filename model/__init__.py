"""The vocabulary: instruments, money, quotes, bars, orders, fills, positions, targets, and the messages."""
