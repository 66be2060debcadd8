"""Statistics, reports and what looks too good in them, from an engine's journal."""
