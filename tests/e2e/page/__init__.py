"""The page that the gateway serves, in a real browser, over a suite that lives at the demo's pace."""
