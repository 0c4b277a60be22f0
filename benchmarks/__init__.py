"""The same training steps in this library and in others, side by side, in one run."""
