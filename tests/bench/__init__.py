"""What a call costs, as ratios against peers in one interleaved run. Never a timed test."""
