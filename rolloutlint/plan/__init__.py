"""What a sync will do: two states read, linked, linted and compared, the sync between them planned and judged."""
