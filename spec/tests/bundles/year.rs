//! A year on a device, by a simulated clock.
