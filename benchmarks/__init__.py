"""Speed of ohmprop against yardsticks: `python -m benchmarks`."""
