"""Light curves."""
